"""Tests of api/realtime."""
