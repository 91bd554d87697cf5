"""The extracts: everything that is known of the bytes, and the only Python-lane tasks."""

from pathlib import Path

import ibis
from ibis import _, ir

from cpgbuild import Catalog, compute
from tasks.extract.concrete_syntax import extract_files
from tasks.extract.cst_schema import CST_NESTED
from tasks.index.indexers import indexer_version
from tasks.index.scip_documents import scip_documents
from tasks.index.scip_schema import SCIP_NESTED
from tasks.types.pyrefly import CHECKER, NONE, PYREFLY_NESTED, checked_types, pyrefly_version

PROJECT_ROOT = Path(__file__).resolve().parents[1]


@compute(map=extract_files, schema=CST_NESTED, key="path", content="known", tags=["cst"])
def cst_nested(catalog: Catalog) -> ibis.Table:
    """Concrete syntax: a row a file, its facts in nested lists; only changed files are parsed."""
    files = catalog.table("repo_files")
    known = ibis.coalesce(files.sha256, files.problem)
    return files.select("path", "sha256", "content", "problem", known=known)


def python_files(catalog: Catalog) -> ir.Table:
    """Return the files of Python that can be read: path, sha256, content."""
    files = catalog.table("repo_files").filter(_.content.notnull())
    is_python = files.path.endswith(".py") | files.path.endswith(".pyi")
    return files.filter(is_python).select("path", "sha256", "content")


def root_name(catalog: Catalog) -> ir.StringScalar:
    """Return the name of the source tree's folder: the package's, where the tree is one."""
    return ibis.literal((PROJECT_ROOT / catalog.var("repo")).resolve().name)


@compute(map=checked_types, schema=PYREFLY_NESTED, key="path", tags=["types"])
def pyrefly_nested(catalog: Catalog) -> ibis.Table:
    """Inferred types, a row a file of Python; none where `type_checker` is none."""
    checker = catalog.var("type_checker")
    if checker not in {CHECKER, NONE}:
        raise ValueError(f"the variable type_checker is `{checker}`, not `{CHECKER}` or `{NONE}`")
    known = catalog.table("cst_nested").filter(_.language == "python", _.size.notnull())
    files = catalog.table("repo_files").join(known.select("path", "depth"), "path")
    files = files.filter(ibis.literal(checker == CHECKER))
    request = files.aggregate(
        paths=files.path.collect(order_by=files.path),
        contents=files.content.collect(order_by=files.path),
        depths=files.depth.collect(order_by=files.path),
    )
    # Whether it is installed does not matter where nobody asks for it.
    used = pyrefly_version() if checker == CHECKER else NONE
    return request.mutate(package=root_name(catalog), checker=ibis.literal(used))


@compute(map=scip_documents, schema=SCIP_NESTED, key="path", tags=["scip"])
def scip_nested(catalog: Catalog) -> ibis.Table:
    """The SCIP index, a row a document: the given `scip_index`, else what `indexer` makes."""
    package = root_name(catalog)
    if catalog.var("scip_index"):
        given = catalog.table("scip_index_file").select(index="content")
        # What the files hold does not matter here.
        files = catalog.table("cst_nested").filter(_.language.notnull())
        paths = files.aggregate(paths=files.path.collect(order_by=files.path))
        return paths.mutate(package=package).cross_join(given)
    known = catalog.table("cst_nested").filter(_.size.notnull()).select("path", "depth")
    files = catalog.table("repo_files").join(known, "path")
    paths = files.path.collect(order_by=files.path)
    contents = files.content.collect(order_by=files.path)
    depths = files.depth.collect(order_by=files.path)
    indexer = catalog.var("indexer")
    request = files.aggregate(paths=paths, contents=contents, depths=depths)
    return request.mutate(
        package=package,
        indexer=ibis.literal(indexer),
        version=ibis.literal(indexer_version(indexer)),
    )
