"""Where the bytes of files lie: a folder of this machine by default, or a bucket that speaks S3."""

from __future__ import annotations

from dispatch.adapters.files.folder import FolderStore
from dispatch.adapters.files.s3 import S3Store
from dispatch.config import Settings
from dispatch.ports.files import FileStore


def store_of(settings: Settings) -> FileStore:
    """The store of the settings."""
    if settings.files_folder is not None:
        return FolderStore(settings.files_folder)
    files = settings.files
    return S3Store(
        files.s3_endpoint, files.s3_bucket, region=files.s3_region, key_id=files.s3_key_id,
        secret=files.s3_secret.get_secret_value(), cdn_url=files.cdn_url,
    )  # fmt: skip
