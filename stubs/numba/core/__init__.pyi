from . import cgutils as cgutils
from . import config as config
