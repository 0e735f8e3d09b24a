#!/usr/bin/env python
"""Starts a Beam worker as Flink's TaskManager asks for it; the first `python` on the PATH runs it."""

import argparse
import os
import sys

import grpc
from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc, endpoints_pb2
from google.protobuf import json_format, text_format

WORKER = 'apache_beam.runners.worker.sdk_worker_main'
TIMEOUT_SECONDS = 60


def main():
    """Becomes the worker."""
    args = _arguments()
    info = _provision_info(args.provision_endpoint, args.id)
    os.environ |= {
        'WORKER_ID': args.id,
        'PIPELINE_OPTIONS': json_format.MessageToJson(info.pipeline_options),
        'LOGGING_API_SERVICE_DESCRIPTOR': _descriptor(args.logging_endpoint or info.logging_endpoint.url),
        'CONTROL_API_SERVICE_DESCRIPTOR': _descriptor(args.control_endpoint or info.control_endpoint.url),
        'RUNNER_CAPABILITIES': ' '.join(info.runner_capabilities),
    }
    os.execv(sys.executable, [sys.executable, '-m', WORKER])


def _arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--id', required=True)
    parser.add_argument('--provision_endpoint', required=True)
    parser.add_argument('--logging_endpoint')
    parser.add_argument('--control_endpoint')
    return parser.parse_known_args()[0]


def _provision_info(endpoint, worker_id):
    with grpc.insecure_channel(endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        answer = service.GetProvisionInfo(request, metadata=[('worker_id', worker_id)], timeout=TIMEOUT_SECONDS)
    return answer.info


def _descriptor(url):
    return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))


if __name__ == '__main__':
    main()
