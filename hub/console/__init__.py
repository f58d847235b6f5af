"""The console: the pages in which a realm's members run it. One module a page; each calls rules."""
