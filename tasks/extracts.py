"""The extracts: everything that is known of the bytes, and the only Python-lane tasks."""

from pathlib import Path

import ibis
from ibis import ir

from cpgbuild import Catalog, compute
from tasks.extract.concrete_syntax import extract_files
from tasks.extract.cst_schema import CST_NESTED
from tasks.index.scip_documents import scip_documents
from tasks.index.scip_schema import SCIP_NESTED
from tasks.index.ty_scip import ty_scip_version

PROJECT_ROOT = Path(__file__).resolve().parents[1]


@compute(map=extract_files, schema=CST_NESTED, key="path", content="sha256", tags=["cst"])
def cst_nested(catalog: Catalog) -> ibis.Table:
    """Concrete syntax: a row a file, its facts in nested lists; only changed files are parsed."""
    return catalog.table("repo_files").select("path", "sha256", "content")


def root_name(catalog: Catalog) -> ir.StringScalar:
    """Return the name of the source tree's folder: the package's, where the tree is one."""
    return ibis.literal((PROJECT_ROOT / catalog.var("repo")).resolve().name)


@compute(map=scip_documents, schema=SCIP_NESTED, key="path", tags=["scip"])
def scip_nested(catalog: Catalog) -> ibis.Table:
    """The SCIP index, a row a document: the one given as `scip_index`, else made by ty-scip."""
    files = catalog.table("repo_files")
    package = root_name(catalog)
    paths = files.path.collect(order_by=files.path)
    if catalog.var("scip_index"):
        given = catalog.table("scip_index_file").select(index="content")
        return files.aggregate(paths=paths).mutate(package=package).cross_join(given)
    contents = files.content.collect(order_by=files.path)
    indexer = ibis.literal(ty_scip_version())
    request = files.aggregate(paths=paths, contents=contents)
    return request.mutate(package=package, indexer=indexer)
