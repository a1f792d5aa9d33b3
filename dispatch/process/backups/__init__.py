"""Backups: a whole copy a day, the log since every few minutes, files as they come; and a server made of them again.

    FOLDER/<history>/base/<time>/   a whole copy; `whole.json` is written last, so that half a copy counts for nothing
    FOLDER/<history>/wal/           the log since the first of them, and in `reached.json` up to when
    FOLDER/dumps/<time>/            instead of both, where the server replicates to nobody
    FOLDER/files/                   the files of a folder store; those that were deleted go to gone-<day>/

A history is that of one cluster: a promoted standby and a restored copy begin their own. Keys are not copied: whoever
finds a backup cannot open what is sealed in it.
"""
