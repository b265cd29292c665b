# mixvllm with vLLM for NVIDIA GPUs; docs/docker.md says how to build and run it.
FROM python:3.12-slim-bookworm AS build

WORKDIR /src
RUN python -m venv /opt/mixvllm
ENV PATH=/opt/mixvllm/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The engine first, with the CUDA libraries that it brings: it changes seldom, and takes minutes.
ARG VLLM_VERSION=0.32.*
RUN pip install "vllm==${VLLM_VERSION}"
COPY . .
# There is no git here to ask for the version.
ARG MIXVLLM_VERSION=0.1.0.dev0
# hadolint ignore=DL3013
RUN SETUPTOOLS_SCM_PRETEND_VERSION=${MIXVLLM_VERSION} pip install ".[gpu,all]"

FROM python:3.12-slim-bookworm

# gcc is what Triton calls; libnuma is vLLM's; tini reaps what a killed engine leaves.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc g++ libc6-dev libnuma1 tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 mixvllm \
    && install --directory --owner mixvllm --group mixvllm /cache
COPY --from=build /opt/mixvllm /opt/mixvllm
# The driver is the host's: the container toolkit puts it in.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
ENV PATH=/opt/mixvllm/bin:$PATH HF_HOME=/cache/huggingface XDG_CACHE_HOME=/cache
USER 1000
WORKDIR /home/mixvllm
EXPOSE 8000
# Loading a model takes a while: until then the check does not count.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30m --retries=3 CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('MIXVLLM_SERVER__PORT', '8000') + '/health', timeout=4)"]
ENTRYPOINT ["tini", "--", "mixvllm"]
CMD ["serve", "--help"]
