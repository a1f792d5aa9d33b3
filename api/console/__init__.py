"""The web pages: shells and assets here; what runs in the browser is under static/ (its README: how to add a page)."""
