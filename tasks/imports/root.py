"""The source tree itself."""

import ibis
from ibis import _

from cpgbuild import Catalog, view
from tasks.extracts import root_name


@view(tags=["imports"])
def v_root(catalog: Catalog) -> ibis.Table:
    """One row: the name of the source tree's folder."""
    n_files = catalog.table("cst_nested").aggregate(n_files=_.count())
    return n_files.mutate(name=root_name(catalog)).select("name")
