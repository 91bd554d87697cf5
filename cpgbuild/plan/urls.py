"""Parts of URLs, for the operations of Ibis that no engine function answers.

Under the names that Ibis' compiler calls. Ibis' own versions fail on a null and on a missing
query key; these give null there.
"""

from urllib.parse import parse_qs, urlsplit

__all__ = ["extract_query", "extract_query_param", "extract_url_field", "extract_user_info"]


def extract_url_field(url: str, field: str) -> str | None:
    """A named part of `urllib.parse.urlsplit`; None where the URL has no host at all."""
    part: str | None = getattr(urlsplit(url), field)
    return part


def extract_query(url: str) -> str:
    """What follows the question mark, empty where there is none."""
    return urlsplit(url).query


def extract_query_param(url: str, param: str) -> str | None:
    """The first value of a query key; None where the key is not there."""
    return next(iter(parse_qs(urlsplit(url).query).get(param, ())), None)


def extract_user_info(url: str) -> str:
    """`user:password`, each empty where it is not there."""
    parts = urlsplit(url)
    return f"{parts.username or ''}:{parts.password or ''}"
