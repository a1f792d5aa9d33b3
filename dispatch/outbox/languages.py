"""The notices in the languages that people may choose: notice type -> (title, message), and the pieces in them.

English stands in the table of notices itself; a text that is missing here is told in English.
"""

from __future__ import annotations

from collections.abc import Mapping

from dispatch.engine.bookings import NOT_APPROVED, REFUSED, UNAPPROVED, UNPAID

#: The first is what whoever has chosen none reads.
LANGUAGES: tuple[str, ...] = ("en", "hi", "bn")

#: Language -> (reader, notice type) -> (title, message).
TEXTS: Mapping[str, Mapping[tuple[str, str], tuple[str, str]]] = {
    "hi": {
        ("customer", "booking_created"): ("बुकिंग मिल गई", "{date} को {time} बजे की आपकी बुकिंग {number} हमें मिल गई है"),
        ("technician", "offer_made"): (
            "नया काम", "बुकिंग {number}, {date} को {time} बजे{in_city}: स्वीकार करने के लिए ऐप खोलें",
        ),
        ("technician", "booking_assigned"): ("काम आपको मिला", "बुकिंग {number}, {date} को {time} बजे{in_city}, अब आपकी है"),
        ("customer", "booking_approved"): ("बुकिंग स्वीकृत", "आपके संगठन ने आपकी बुकिंग {number} स्वीकार कर ली है"),
        ("customer", "booking_confirmed"): ("बुकिंग पक्की हुई", "आपकी बुकिंग {number} पक्की हो गई है"),
        ("customer", "booking_queued"): (
            "तलाश जारी है", "आपकी बुकिंग {number} अभी किसी ने नहीं ली है। हम तलाश कर रहे हैं और मिलते ही बताएँगे",
        ),
        ("customer", "booking_not_taken"): (
            "कोई नहीं आ सका",
            "आपकी बुकिंग {number} का समय हो गया है और उसे किसी ने नहीं लिया। हमें खेद है: आप समय बदल सकते हैं या उसे रद्द कर सकते हैं, "
            "और हमारी टीम इसे देख रही है",
        ),
        ("customer", "booking_not_sought"): (
            "तलाश बंद",
            "आपकी बुकिंग {number} का भुगतान वापस जा रहा है, इसलिए हम अब किसी को नहीं ढूँढ रहे हैं। हमारी टीम इसे देख रही है; "
            "आप इसे रद्द कर सकते हैं",
        ),
        ("customer", "booking_rescheduled"): ("समय बदला", "आपकी बुकिंग {number} अब {date} को {time} बजे है"),
        ("technician", "booking_rescheduled"): ("काम का समय बदला", "बुकिंग {number} अब {date} को {time} बजे है"),
        ("customer", "booking_reopened"): ("किसी और की तलाश", "हम आपकी बुकिंग {number} के लिए किसी और को ढूँढ रहे हैं"),
        ("technician", "job_taken_back"): ("काम वापस लिया गया", "बुकिंग {number} अब आपकी नहीं है"),
        ("customer", "booking_cancelled"): ("बुकिंग रद्द", "आपकी बुकिंग {number} रद्द कर दी गई है{because}{fee}{refund}"),
        ("technician", "booking_cancelled"): ("काम रद्द", "{date} को {time} बजे की बुकिंग {number} रद्द कर दी गई है"),
        ("customer", "booking_completed"): ("काम पूरा हुआ", "आपकी बुकिंग {number} पूरी हो गई। कैसा रहा?"),
        ("technician", "booking_completed"): ("काम पूरा हुआ", "बुकिंग {number} पूरी हो गई और गिन ली गई है"),
        ("technician", "booking_rated"): ("नई रेटिंग", "बुकिंग {number} को रेटिंग मिली है"),
        ("technician", "payout_paid"): ("पैसे भेजे गए", "आपका भुगतान {number}, {amount}, आपके खाते में भेज दिया गया है"),
        ("customer", "partner_in_transit"): ("रास्ते में", "{technician} रास्ते में हैं"),
        ("customer", "partner_near"): ("बस पहुँचने वाले हैं", "{technician} पास ही हैं"),
        ("customer", "partner_arrived"): ("पहुँच गए", "{technician} पहुँच गए हैं"),
        ("customer", "partner_dark"): (
            "आपके प्रोफेशनल से संपर्क नहीं", "बुकिंग {number} के लिए {technician} से हमारा संपर्क टूट गया है, हम देख रहे हैं",
        ),
        ("technician", "job_late"): (
            "आपका इंतज़ार है", "बुकिंग {number} आपका इंतज़ार कर रही है; देर होने पर वह किसी और को दी जाएगी",
        ),
        ("technician", "job_not_started"): (
            "काम शुरू नहीं हुआ", "आप बुकिंग {number} पर पहुँच गए हैं और काम शुरू नहीं हुआ है: शुरू करते ही ऐप में बताएँ",
        ),
        ("technician", "job_not_finished"): (
            "क्या काम पूरा हुआ?",
            "बुकिंग {number} का काम शुरू हुआ था और पूरा नहीं हुआ है: पूरा होते ही ऐप में बताएँ, ताकि वह आपके लिए गिना जाए",
        ),
        ("customer", "payment_success"): ("भुगतान मिला", "{number} के लिए आपका {amount} का भुगतान मिल गया है"),
        ("customer", "payment_failed"): ("भुगतान नहीं हुआ", "{number} का भुगतान सफल नहीं हुआ; आप फिर कोशिश कर सकते हैं"),
        ("customer", "payment_refunded"): ("रिफ़ंड", "आपकी बुकिंग {number} के {amount} {returned}"),
    },
    "bn": {
        ("customer", "booking_created"): ("বুকিং পাওয়া গেছে", "{date} তারিখে {time}-এর আপনার বুকিং {number} আমরা পেয়েছি"),
        ("technician", "offer_made"): (
            "নতুন কাজ", "বুকিং {number}, {date} তারিখে {time}-এ{in_city}: নিতে হলে অ্যাপ খুলুন",
        ),
        ("technician", "booking_assigned"): ("কাজ আপনার", "বুকিং {number}, {date} তারিখে {time}-এ{in_city}, এখন আপনার"),
        ("customer", "booking_approved"): ("বুকিং অনুমোদিত", "আপনার প্রতিষ্ঠান আপনার বুকিং {number} অনুমোদন করেছে"),
        ("customer", "booking_confirmed"): ("বুকিং নিশ্চিত", "আপনার বুকিং {number} নিশ্চিত হয়েছে"),
        ("customer", "booking_queued"): (
            "খোঁজ চলছে", "আপনার বুকিং {number} এখনও কেউ নেননি। আমরা খুঁজছি, পেলেই জানাব",
        ),
        ("customer", "booking_not_taken"): (
            "কেউ আসতে পারেননি",
            "আপনার বুকিং {number}-এর সময় হয়ে গেছে, কেউ নেননি। আমরা দুঃখিত: আপনি সময় বদলাতে বা বাতিল করতে পারেন, "
            "আমাদের টিমও দেখছে",
        ),
        ("customer", "booking_not_sought"): (
            "খোঁজ বন্ধ",
            "আপনার বুকিং {number}-এর টাকা ফেরত যাচ্ছে, তাই আমরা আর কাউকে খুঁজছি না। আমাদের টিম দেখছে; "
            "আপনি এটি বাতিল করতে পারেন",
        ),
        ("customer", "booking_rescheduled"): ("সময় বদলেছে", "আপনার বুকিং {number} এখন {date} তারিখে {time}-এ"),
        ("technician", "booking_rescheduled"): ("কাজের সময় বদলেছে", "বুকিং {number} এখন {date} তারিখে {time}-এ"),
        ("customer", "booking_reopened"): ("অন্য কাউকে খুঁজছি", "আপনার বুকিং {number}-এর জন্য আমরা অন্য কাউকে খুঁজছি"),
        ("technician", "job_taken_back"): ("কাজ ফেরত নেওয়া হয়েছে", "বুকিং {number} আর আপনার নয়"),
        ("customer", "booking_cancelled"): ("বুকিং বাতিল", "আপনার বুকিং {number} বাতিল হয়েছে{because}{fee}{refund}"),
        ("technician", "booking_cancelled"): ("কাজ বাতিল", "{date} তারিখে {time}-এর বুকিং {number} বাতিল হয়েছে"),
        ("customer", "booking_completed"): ("কাজ শেষ", "আপনার বুকিং {number} শেষ হয়েছে। কেমন হল?"),
        ("technician", "booking_completed"): ("কাজ শেষ", "বুকিং {number} শেষ হয়েছে এবং গোনা হয়েছে"),
        ("technician", "booking_rated"): ("নতুন রেটিং", "বুকিং {number} রেটিং পেয়েছে"),
        ("technician", "payout_paid"): ("টাকা পাঠানো হয়েছে", "আপনার পেমেন্ট {number}, {amount}, আপনার অ্যাকাউন্টে পাঠানো হয়েছে"),
        ("customer", "partner_in_transit"): ("পথে আছেন", "{technician} পথে আছেন"),
        ("customer", "partner_near"): ("প্রায় এসে গেছেন", "{technician} কাছেই আছেন"),
        ("customer", "partner_arrived"): ("পৌঁছে গেছেন", "{technician} পৌঁছে গেছেন"),
        ("customer", "partner_dark"): (
            "আপনার প্রফেশনালের খবর নেই", "বুকিং {number}-এর জন্য {technician} যোগাযোগের বাইরে, আমরা দেখছি",
        ),
        ("technician", "job_late"): (
            "আপনার অপেক্ষায়", "বুকিং {number} আপনার অপেক্ষায় আছে; দেরি হলে কাজটি অন্য কেউ পাবেন",
        ),
        ("technician", "job_not_started"): (
            "কাজ শুরু হয়নি", "আপনি বুকিং {number}-এ পৌঁছেছেন, কিন্তু কাজ শুরু হয়নি: শুরু করলে অ্যাপে জানান",
        ),
        ("technician", "job_not_finished"): (
            "কাজ কি শেষ?",
            "বুকিং {number}-এর কাজ শুরু হয়েছিল, কিন্তু শেষ হয়নি: শেষ হলে অ্যাপে জানান, যাতে তা আপনার হিসাবে গোনা হয়",
        ),
        ("customer", "payment_success"): ("টাকা পাওয়া গেছে", "{number}-এর জন্য আপনার {amount} আমরা পেয়েছি"),
        ("customer", "payment_failed"): ("পেমেন্ট হয়নি", "{number}-এর পেমেন্ট সফল হয়নি; আবার চেষ্টা করতে পারেন"),
        ("customer", "payment_refunded"): ("টাকা ফেরত", "আপনার বুকিং {number}-এর {amount} {returned}"),
    },
}  # fmt: skip


#: Language -> the pieces that notices are filled with.
PIECES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "date": "%d %b %Y", "in_city": " in {}", "nobody": "Your professional", "because": ": {}",
        "fee": ". The fee is {}", "refund": ". {} goes back to you", "to_wallet": "is in your wallet",
        "returned": "is on its way back to you",
    },
    "hi": {
        "date": "%d-%m-%Y", "in_city": ", {}", "nobody": "आपके प्रोफेशनल", "because": ": {}", "fee": "। शुल्क {} है",
        "refund": "। {} आपको वापस मिलेंगे", "to_wallet": "आपके वॉलेट में हैं", "returned": "आपको वापस भेजे जा रहे हैं",
    },
    "bn": {
        "date": "%d-%m-%Y", "in_city": ", {}", "nobody": "আপনার প্রফেশনাল", "because": ": {}", "fee": "। ফি {}",
        "refund": "। {} আপনি ফেরত পাবেন", "to_wallet": "আপনার ওয়ালেটে আছে", "returned": "আপনার কাছে ফেরত যাচ্ছে",
    },
}  # fmt: skip

#: Language -> why the house itself ended a booking, by its own word for it.
REASONS: Mapping[str, Mapping[str, str]] = {
    "en": {
        UNPAID: "it was not paid in time", UNAPPROVED: "your organization did not approve it in time",
        REFUSED: "the payment could not be made", NOT_APPROVED: "your organization did not approve it",
    },
    "hi": {
        UNPAID: "समय पर भुगतान नहीं हुआ", UNAPPROVED: "आपके संगठन ने समय पर मंज़ूरी नहीं दी", REFUSED: "भुगतान नहीं हो सका",
        NOT_APPROVED: "आपके संगठन ने मंज़ूरी नहीं दी",
    },
    "bn": {
        UNPAID: "সময়মতো টাকা দেওয়া হয়নি", UNAPPROVED: "আপনার প্রতিষ্ঠান সময়মতো অনুমোদন দেয়নি", REFUSED: "টাকা দেওয়া যায়নি",
        NOT_APPROVED: "আপনার প্রতিষ্ঠান অনুমোদন দেয়নি",
    },
}  # fmt: skip
