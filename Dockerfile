# The server alone: its database and Redis are other containers, so the embedded PostgreSQL is left out. What backs up needs its
# programs (EXTRAS=[embedded]), what traces requests its libraries (EXTRAS=[telemetry]).
FROM python:3.12-slim AS build
ARG EXTRAS=""
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY api api
COPY dispatch dispatch
COPY geo geo
COPY storage storage
RUN python -m venv /opt/dispatch \
    && /opt/dispatch/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".${EXTRAS}"
# The short way of location frames is made here, where there is a compiler; the server finds it beside its packages.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/* \
    && cd / && /opt/dispatch/bin/python -c "from dispatch.live.native import build; build.obtain()"

FROM python:3.12-slim
ENV PATH=/opt/dispatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DISPATCH_ENV=production \
    DISPATCH_HTTP__HOST=0.0.0.0 \
    DISPATCH_HTTP__PORT=8080 \
    DISPATCH_DATA=/var/lib/dispatch
RUN useradd --system --uid 10001 --home-dir /var/lib/dispatch --create-home dispatch
# A new volume is its account's.
RUN install -d -o dispatch -g dispatch /backups /files
COPY --from=build /opt/dispatch /opt/dispatch
USER dispatch
WORKDIR /var/lib/dispatch
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['DISPATCH_HTTP__PORT'] + '/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["dispatch"]
CMD ["serve"]
