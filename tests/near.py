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


def other_writings(secret: str) -> list[str]:
    """What a careless reader of base64 takes for the same bytes: other last characters, fillings, and what it skips."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    middle = len(secret) // 2
    written = [
        *(secret[:-1] + letter for letter in letters), secret + "=", secret + "==", secret + "====", secret + "\0" * 4,
        secret[:middle] + "!!!!" + secret[middle:], secret[:middle] + " " * 4 + secret[middle:], secret + "\n" * 4,
        secret.replace("-", "+").replace("_", "/"),
    ]  # fmt: skip
    return [guess for guess in written if guess != secret]


def sendable(guesses: list[str]) -> list[str]:
    """Those that a header carries as they are: blanks around a value are no part of it."""
    return [guess for guess in guesses if guess.isascii() and guess.isprintable() and guess == guess.strip()]
