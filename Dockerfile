# pc-mcp over HTTP on this computer's loopback address; docs/packages.md says how it is run.
# The base is named by a tag, not by a digest, so that each build gets Python's and Debian's security
# fixes; what pip installs is held by the hashes in requirements.txt.
FROM python:3.13-slim-trixie AS build
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/pc-mcp \
    && /opt/pc-mcp/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY prompts prompts
COPY pc_mcp pc_mcp
RUN /opt/pc-mcp/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/pc-mcp/bin/python -m pip check

FROM python:3.13-slim-trixie
LABEL io.modelcontextprotocol.server.name="io.github.pc-mcp/pc-mcp"
COPY --from=build /opt/pc-mcp /opt/pc-mcp
COPY docker/healthcheck.py /opt/healthcheck.py
ENV PATH="/opt/pc-mcp/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 \
    CMD ["python", "/opt/healthcheck.py", "127.0.0.1:8700"]
ENTRYPOINT ["pc-mcp"]
CMD ["serve", "--http", "127.0.0.1:8700"]
