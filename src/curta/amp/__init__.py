"""Training in half precision."""

from curta.amp.autocast import autocast, get_autocast_dtype, is_autocast_enabled
from curta.amp.grad_scaler import GradScaler
from curta.amp.master import MasterWeights

__all__ = ["GradScaler", "MasterWeights", "autocast", "get_autocast_dtype", "is_autocast_enabled"]
