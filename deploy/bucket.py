"""The bucket of the case files: made when it isn't there, refused when it keeps old versions. Safe to run again."""

import os

from botocore.exceptions import ClientError

from dsr.s3bucket import is_s3, s3_client


def main() -> None:
    """Do it for the address in DSR_CASE_STORE; a folder needs nothing."""
    where = os.environ["DSR_CASE_STORE"]
    if not is_s3(where):
        return
    client, bucket = s3_client(where)
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
