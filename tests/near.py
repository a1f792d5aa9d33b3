"""What is nearly a secret: guesses that a comparison which stops early, or looks at a part only, would let pass."""

from __future__ import annotations


def near_misses(secret: str) -> list[str]:
    """Wrong in one place, too short by any number, too long, and whatever only looks the same."""
    other = "1" if secret[-1] == "0" else "0"
    first = "1" if secret[0] == "0" else "0"
    return list(
        dict.fromkeys(
            guess
            for guess in (
                secret[0] + other * (len(secret) - 1), secret[:-1] + other, first + secret[1:],
                *(secret[:n] for n in range(len(secret))), secret + other, secret + secret, secret + "\0",
                " " + secret, secret + " ", secret + "\n", secret.upper(), secret.lower(), secret[::-1],
                "".join(chr(ord(c) + 0xFEE0) for c in secret),
            )
            if guess != secret
        )
    )  # fmt: skip
