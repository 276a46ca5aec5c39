from . import cgutils as cgutils
from . import config as config
from . import errors as errors
