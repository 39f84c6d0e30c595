from .contract.calendar import Calendar as Calendar
from .count.scan import Scan as Scan
from .propose import propose as propose
from .seen_as import seen_as as seen_as
