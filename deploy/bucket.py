"""The bucket of the case files: made when it isn't there, refused when it keeps old versions. Safe to run again."""

import os
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.exceptions import ClientError


def main() -> None:
    """Do it for the address in DSR_CASE_STORE; a folder needs nothing."""
    where = urlsplit(os.environ["DSR_CASE_STORE"])
    if where.scheme != "s3":
        return
    options = {name: values[0] for name, values in parse_qs(where.query).items()}
    server = options.get("endpoint_override")
    client = boto3.client(
        "s3",
        endpoint_url=f"{options.get('scheme', 'https')}://{server}" if server else None,
        region_name=options.get("region"),
        aws_access_key_id=unquote(where.username) if where.username else None,
        aws_secret_access_key=unquote(where.password) if where.password else None,
    )
    bucket = where.netloc.rpartition("@")[2]
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise SystemExit(f"bucket {bucket}: {error}") from None
        client.create_bucket(Bucket=bucket)
    if client.get_bucket_versioning(Bucket=bucket).get("Status"):
        raise SystemExit(f"bucket {bucket} keeps old versions: what is deleted must be gone. Use another bucket.")


if __name__ == "__main__":
    main()
