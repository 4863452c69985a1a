/** TLS towards partners' servers: one place that decides who is trusted. See the README of this folder. */
export { plainAgent, tlsAgent, type AgentOptions, type TlsAgentOptions } from './agents.ts'
export { connectTls, createTlsPolicy, type Resumption, type TlsConnection, type TlsConnectOptions, type TlsPolicy, type TlsRules } from './connect.ts'
export { tlsError } from './errors.ts'
export { certificateFacts } from './facts.ts'
export { certificateRefusal, expectedName, judgeCertificate, publicKeyPinOf } from './judge.ts'
