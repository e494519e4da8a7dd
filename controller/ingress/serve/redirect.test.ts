import assert from 'node:assert/strict';

import { secureLocation } from './redirect.ts';

describe('a redirect to https', () => {
  for (const { what, authority, host, httpsPort, location } of [
    {
      what: 'names no port to a visitor who named none',
      ...{ authority: 'a.test', host: 'a.test', httpsPort: 8443, location: 'https://a.test/x?y' },
    },
    {
      what: 'names the ingress’ own port to a visitor who named one',
      ...{ authority: 'a.test:8080', host: 'a.test', httpsPort: 8443, location: 'https://a.test:8443/x?y' },
    },
    {
      what: 'names the port of an IPv6 address too',
      ...{ authority: '[::1]:8080', host: '[::1]', httpsPort: 8443, location: 'https://[::1]:8443/x?y' },
    },
    {
      what: 'takes no part of an IPv6 address for a port',
      ...{ authority: '[::1]', host: '[::1]', httpsPort: 8443, location: 'https://[::1]/x?y' },
    },
    {
      what: 'names no port where it is the usual one',
      ...{ authority: 'a.test:80', host: 'a.test', httpsPort: 443, location: 'https://a.test/x?y' },
    },
    {
      what: 'names no port where TLS is something else’s',
      ...{ authority: 'a.test:8080', host: 'a.test', httpsPort: undefined, location: 'https://a.test/x?y' },
    },
  ]) {
    it(what, () => {
      assert.equal(secureLocation({ authority, host, target: '/x?y' }, httpsPort), location);
    });
  }
});
