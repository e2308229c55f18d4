"""Where items are computed: in this process, in others on this machine, on a Dask cluster, on the nodes of SLURM.

An engine is a value with one method, ``compute(items)``, that yields what is finished in any order. Items carry their
own seeds and threads, so that no engine changes a value. Whoever stops asking stops the work.
"""

from slth.grids.engines.base import Engine as Engine
from slth.grids.engines.choice import ENGINES as ENGINES
from slth.grids.engines.choice import make_engine as make_engine
from slth.grids.engines.cluster import Dask as Dask
from slth.grids.engines.cluster import Slurm as Slurm
from slth.grids.engines.local import Loky as Loky
from slth.grids.engines.local import Serial as Serial
