# The whole public surface, once. Tools that read types see it here; at run time `lazy_loader` reads the same file.
# What data is this?
# Whom to call first?
# Where do people fall out on the way through pages and events?
from . import behaviour as behaviour
from . import customers as customers
from . import data as data

# Controls, notebooks, stage models, sales floors to practise on
from . import notebook as notebook
from . import playbooks as playbooks
from . import simulate as simulate

# What does a target need, and how likely is it?
from . import targets as targets
from . import widgets as widgets
from .analysis.behaviour.funnel import funnel as funnel

# How do deals convert, and where are they lost?
from .analysis.conversion.cohort import cohort as cohort
from .analysis.conversion.conversion import conversion as conversion
from .analysis.conversion.overview import overview as overview
from .analysis.conversion.segments import segments as segments
from .analysis.priority.call_list import call_list as call_list
from .analysis.priority.customer import customer as customer
from .analysis.priority.quadrant import quadrant as quadrant
from .analysis.shared.stage_model import playbook as playbook
from .analysis.shared.typed_counts import typed_funnel as typed_funnel
from .analysis.targets.before_after import before_after as before_after
from .analysis.targets.mix import deal_mix as deal_mix
from .analysis.targets.properties import six_properties as six_properties
from .analysis.targets.quota import quota as quota
from .analysis.targets.reverse import reverse_funnel as reverse_funnel
from .analysis.targets.target import target as target

# How long does it take, and what is stuck?
from .analysis.time.ageing import ageing as ageing
from .analysis.time.distribution import distribution as distribution
from .analysis.time.duration import duration as duration
from .analysis.time.stuck import stuck as stuck
from .core.options import options as options
from .data.book import Book as Book
from .data.check import check_data as check_data
from .data.events.load import events as events
from .data.load import load as load
from .data.load import sample as sample

# How is it shown?
from .show import display as display
from .show.pages.export import to_csv as to_csv
from .show.pages.export import to_excel as to_excel

__version__: str
