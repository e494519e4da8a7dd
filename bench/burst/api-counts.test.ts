import assert from 'node:assert/strict';
import { parseWriteCounts, sumOfWrites, writesBetween } from './api-counts.ts';

const METRICS = `# HELP apiserver_request_total Counter of apiserver requests
apiserver_request_total{code="200",component="apiserver",group="hatchery.dev",resource="ephemeraldomains",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 6
apiserver_request_total{code="409",component="apiserver",group="hatchery.dev",resource="ephemeraldomains",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 1
apiserver_request_total{code="200",component="apiserver",group="",resource="nodes",scope="cluster",subresource="",verb="LIST",version="v1"} 9
apiserver_request_total{code="201",component="apiserver",group="",resource="events",scope="resource",subresource="",verb="POST",version="v1"} 2
`;

describe("the count of the API server's writes", () => {
  it('tells what was refused apart and leaves reads out', () => {
    assert.deepEqual(parseWriteCounts(METRICS), {
      'PATCH ephemeraldomains/status': 6,
      'PATCH ephemeraldomains/status 409': 1,
      'POST events': 2,
    });
  });

  it('tells what was asked between two readings', () => {
    const before = { 'PATCH ephemeraldomains/status': 5, 'POST events': 2 };
    assert.deepEqual(writesBetween(before, parseWriteCounts(METRICS)), {
      'PATCH ephemeraldomains/status': 1,
      'PATCH ephemeraldomains/status 409': 1,
    });
  });

  it('adds up what was counted several times', () => {
    const sums = sumOfWrites([{ 'POST events': 1 }, { 'POST events': 2, 'DELETE events': 1 }]);
    assert.deepEqual(sums, { 'POST events': 3, 'DELETE events': 1 });
  });
});
