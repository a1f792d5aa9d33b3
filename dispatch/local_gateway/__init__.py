"""A payment gateway for demos and tests: a program of its own that speaks Razorpay's HTTP."""
