from .check import check_data as check_data
from .cleaning import cleaning as cleaning
from .contract.calendar import Calendar as Calendar
from .count.scan import Scan as Scan
from .merge_accounts import merge_accounts as merge_accounts
from .propose import propose as propose
from .seen_as import seen_as as seen_as
