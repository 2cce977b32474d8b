# The course in one image, for JupyterHub on Kubernetes (deploy/values.yaml), Binder and the devcontainer.
# From what seldom changes to what often does: an update of the notebooks sends only the last, small layers.
FROM node:20.20.2-bookworm-slim AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git python3 python3-venv \
  && rm -rf /var/lib/apt/lists/*

# The students' repository of notebooks is made from the course's history, which itself stays out of the image.
FROM base AS notebooks
COPY .git /course/.git
COPY deploy/paths.py deploy/publish.py /course/deploy/
RUN python3 /course/deploy/publish.py /course /notebooks.git

FROM base
# Kubernetes and Binder run it as user 1000, whose home is /home/jovyan.
RUN groupmod --new-name jovyan node \
  && usermod --login jovyan --home /home/jovyan --move-home node
WORKDIR /srv/convscope

# 1. npm packages
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci --include=dev --ignore-scripts \
  && npm cache clean --force

# 2. JupyterLab and what a JupyterHub wants to find in it
COPY requirements.txt ./
COPY deploy/requirements.txt deploy/
RUN python3 -m venv .venv \
  && .venv/bin/pip install --no-cache-dir -r requirements.txt -r deploy/requirements.txt

# 3. native backend (the compiler leaves with the layer) and GoogLeNet's weights, which the BVLC released for
#    unrestricted use
COPY scripts/setup.mjs scripts/
COPY scripts/setup scripts/setup
COPY scripts/html scripts/html
COPY kernel kernel
COPY lib lib
# A school's own mirror of the weights may be named: docker build --build-arg CONVSCOPE_MODEL_URL=http://...
ARG CONVSCOPE_MODEL_URL=""
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ \
  && node scripts/setup.mjs \
  && test -f .cache/weights.json \
  && apt-get purge -y --auto-remove g++ \
  && rm -rf /var/lib/apt/lists/* /root/.npm /root/.cache

# 4. photos, the embedded network, records
COPY data data

# 5. settings; the library, compiled once for everybody
COPY scripts/start/lab.json scripts/start/
COPY deploy/paths.py deploy/settings.py deploy/warm_up.py deploy/
RUN .venv/bin/python deploy/settings.py .venv \
  && .venv/bin/python deploy/warm_up.py \
  && git config --system --add safe.directory /srv/convscope/notebooks.git

# 6. notebooks
COPY notebooks notebooks
COPY --from=notebooks /notebooks.git notebooks.git

# Everything above belongs to root: students read it, each writes in their own home.
ENV PATH=/srv/convscope/.venv/bin:$PATH \
  HOME=/home/jovyan \
  CONVSCOPE_MODELS=/srv/convscope/.cache/models \
  CONVSCOPE_CACHE=/home/jovyan/.cache/convscope
USER 1000
WORKDIR /home/jovyan
RUN gitpuller file:///srv/convscope/notebooks.git main convscope
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser"]
