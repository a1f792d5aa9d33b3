"""Where data lie: the database's connections, files, backups."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator, model_validator

from dispatch.config.values import DatabaseSecret, Days, Folder, WebRoot


class Database(BaseModel):
    """How many connections a process keeps."""

    pool_min: int = Field(2, ge=1, description="Connections kept open")
    pool_max: int = Field(20, ge=2, validate_default=True, description="Most connections of one process")
    replica_url: DatabaseSecret | None = Field(None, description="A read replica that answers analytics; empty: none")
    replica_pool_max: int = Field(5, ge=1, description="Most connections of one process to the replica")

    @field_validator("pool_max")
    @classmethod
    def _no_less(cls, most: int, info: ValidationInfo) -> int:
        if most < (least := info.data.get("pool_min", 0)):
            raise ValueError(f"is {most}, less than the {least} of DISPATCH_DATABASE__POOL_MIN")
        return most


class Files(BaseModel):
    """Where files lie: documents, images, invoices, exports, attachments."""

    store: Literal["folder", "s3"] = Field("folder", description="A folder of this machine, or a bucket that speaks S3")
    folder: Folder | None = Field(None, description="The folder; empty: files in the data folder. Nodes share one")
    s3_endpoint: WebRoot = Field("", description="Address of the S3 service, without the bucket")
    s3_region: str = Field("us-east-1", description="Its region")
    s3_bucket: str = Field("", description="The bucket")
    s3_key_id: str = Field("", description="Access key id")
    s3_secret: SecretStr = Field(SecretStr(""), description="Secret access key")
    cdn_url: WebRoot = Field("", description="Address of a CDN before the bucket, for images that everybody may see")
    link_s: int = Field(900, ge=30, le=604_800, description="How long a link to a file is good")

    @model_validator(mode="after")
    def _whole(self) -> Files:
        wanted = {
            "S3_ENDPOINT": self.s3_endpoint, "S3_BUCKET": self.s3_bucket, "S3_KEY_ID": self.s3_key_id,
            "S3_SECRET": self.s3_secret.get_secret_value(),
        }  # fmt: skip
        if self.store == "s3" and (missing := [name for name, value in wanted.items() if not value]):
            raise ValueError(f"a bucket needs DISPATCH_FILES__{', DISPATCH_FILES__'.join(missing)}")
        return self


class Backup(BaseModel):
    """Copies of the database and of the files that lie in a folder."""

    folder: Folder | None = Field(
        None, description="Where backups go, best another machine's disk; the server makes them itself when it is set"
    )
    method: Literal["wal", "dump"] = Field(
        "wal", description="wal: a copy of all a day, the log every 20 minutes; dump: for servers that do not replicate"
    )
    url: DatabaseSecret | None = Field(
        None, description="The database as a role that may replicate; empty: DATABASE_URL"
    )
    keep_days: Days = Field(30, description="How far back one may go")
