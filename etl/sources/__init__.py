"""Where export items come from: JSON files and standard input, plain or gzip.

A source gives chunks of elements: the bytes of each item, and where each of them stands. What an
element means is the business of `etl.items`; a source never decodes one.
"""

from etl.sources.raw import Limits
from etl.sources.reading import read_sources

__all__ = ["Limits", "read_sources"]
