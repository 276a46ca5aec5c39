"""The part of cmarkgfm that the tests of Markdown use."""

from . import cmark as cmark

def github_flavored_markdown_to_html(text: str, options: int = 0) -> str: ...
