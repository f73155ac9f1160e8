"""Signs in as an application. The how-to signs a person in with a browser, which a run by itself has not."""

import os

import requests


def token(audience: str) -> str:
    """An access token for an audience, by the client credentials flow of the Microsoft identity platform."""
    answer = requests.post(
        f"{os.environ['AZURE_AUTHORITY_HOST']}/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": os.environ["AZURE_CLIENT_ID"],
            "client_secret": os.environ["AZURE_CLIENT_SECRET"],
            "scope": f"{audience}/.default",
        },
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json()["access_token"]
