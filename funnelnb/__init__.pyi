# The whole public surface, once, grouped by question: tools that read types see it here, `lazy_loader` reads the same
# file at run time, and the reference of the documentation site takes its pages from the comments. (Not sorted.)

# What data is this?
from .data.load import load as load
from .data.load import sample as sample
from .data.events.load import events as events
from .analysis.conversion.overview import overview as overview
from .data.book import Book as Book
from . import data as data

# How do deals convert, and where are they lost?
from .analysis.conversion.conversion import conversion as conversion
from .analysis.conversion.segments import segments as segments
from .analysis.conversion.cohort import cohort as cohort
from .analysis.shared.typed_counts import typed_funnel as typed_funnel
from .analysis.targets.properties import six_properties as six_properties

# Where do people fall out on the way through pages and events?
from .analysis.behaviour.funnel import funnel as funnel
from . import behaviour as behaviour

# How long does it take, and what is stuck?
from .analysis.time.duration import duration as duration
from .analysis.time.distribution import distribution as distribution
from .analysis.time.stuck import stuck as stuck
from .analysis.time.ageing import ageing as ageing

# Whom to call first?
from .analysis.priority.call_list import call_list as call_list
from .analysis.priority.customer import customer as customer
from . import customers as customers

# What does a target need, and how likely is it?
from .analysis.targets.target import target as target
from .analysis.targets.quota import quota as quota
from . import targets as targets

# What will come in, how did the pipeline move, and how good have forecasts been?
from .analysis.forecast.forecast import forecast as forecast
from . import forecasts as forecasts

# Where is it sick, what changed and why, and what should the weekly report say?
from .analysis.diagnosis.weekly import weekly_report as weekly_report
from . import diagnosis as diagnosis

# How is it shown?
from .show import display as display
from .core.options import options as options
from .show.pages.export import to_csv as to_csv
from .show.pages.workbook import to_excel as to_excel
from .show.pages.word import to_word as to_word
from .show.pages.word import brief as brief
from .show.pages.slides import to_powerpoint as to_powerpoint
from .show.pages.message import to_markdown as to_markdown

# What does a notebook need?
from . import notebook as notebook
from . import widgets as widgets

# Which stages, and sales floors to practise on?
from .analysis.shared.stage_model import playbook as playbook
from . import playbooks as playbooks
from . import simulate as simulate
from . import teach as teach

__version__: str
