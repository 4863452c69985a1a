import { catalogue } from './spec.ts'

/** Reaching a partner's server through a proxy. */
export const proxyErrors = catalogue({
  'net.proxy_unreachable': {
    retry: 'backoff', exit: 1,
    title: 'The proxy cannot be reached',
    happened: 'The way to the partner leads through a proxy, and the proxy did not answer or ended the connection. Nothing was sent.',
    todo: ['Check the address of the proxy in the connection.', 'Check that this computer is in the network to which the proxy belongs.'],
  },
  'net.proxy_refused': {
    retry: 'backoff', exit: 1,
    title: 'The proxy does not let us through',
    happened: 'The proxy answered that it cannot or may not reach the partner\'s server. The message tells its reason. Nothing was sent.',
    todo: ['Ask whoever runs the proxy to permit this server and port.', 'Check the partner\'s server name and port.'],
  },
  'net.proxy_auth_refused': {
    retry: 'never', exit: 1,
    title: 'The proxy refused the sign-in',
    happened: 'The proxy asks for a user name and password and did not accept those given. Nothing was sent.',
    todo: ['Enter the user name and password of the proxy again.'],
  },
})
