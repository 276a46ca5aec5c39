class Options:
    CMARK_OPT_UNSAFE: int
