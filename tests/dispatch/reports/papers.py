"""What stands in a PDF that was made: its pages' text as readers find it, and the names that tests write."""

from __future__ import annotations

import base64
import re
import zlib

#: A name in each script of India and in Urdu, with letters that join, stack or move.
NAMES = {
    "Devanagari": "श्रीमती प्रज्ञा द्विवेदी",
    "Bengali": "অনির্বাণ চট্টোপাধ্যায়",
    "Tamil": "தமிழ்ச்செல்வி கிருஷ்ணமூர்த்தி",
    "Telugu": "శ్రీనివాస్ కృష్ణమూర్తి",
    "Gujarati": "જ્ઞાનેશ્વરી શાહ",
    "Gurmukhi": "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ",
    "Kannada": "ಶ್ರೀನಿವಾಸ ಕೃಷ್ಣಮೂರ್ತಿ",
    "Malayalam": "ശ്രീകൃഷ്ണൻ നമ്പൂതിരി",
    "Oriya": "ଶ୍ରୀକୃଷ୍ଣ ପଟ୍ଟନାୟକ",
    "Arabic": "محمد علی خان",
}
_SAID = re.compile(r"/ActualText <FEFF([0-9A-F]*)>")


def said(paper: bytes) -> list[str]:
    """What the spans of shapes say, from left to right and page by page; simple text is not among it."""
    return [bytes.fromhex(found).decode("utf-16-be") for page in _pages(paper) for found in _SAID.findall(page)]


def _pages(paper: bytes) -> list[str]:
    # Of all streams only those of pages are written as text.
    streams = re.findall(rb"/ASCII85Decode /FlateDecode \][^>]*>>\s*stream\r?\n(.*?)~>", paper, re.DOTALL)
    return [zlib.decompress(base64.a85decode(stream)).decode("latin-1") for stream in streams]
