/** Ways into a server and its identity, against OpenSSH: certificates, jump hosts, proxies, agents, both factors, old algorithms. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findPeer } from '../../../../e2e/servers/peers.ts'
import { startHttpProxy, startSocksProxy, type ProxyServer } from '../../../../e2e/servers/proxies.ts'
import { freePort, startSshd, type HostKeyKind, type Sshd } from '../../../../e2e/servers/sshd.ts'
import { SftpConnection } from '../../../contract/connections/sftp.ts'
import { readPublicKey } from '../../crypto/ssh/index.ts'
import type { FileEndpoint, Pin, SshTrust } from '../file-protocol.ts'
import { sftp } from './index.ts'

const peer = findPeer('sshd')
const never = new AbortController().signal

type Endpoint = FileEndpoint<SftpConnection>
interface Change {
  readonly settings?: Record<string, unknown>
  readonly secrets?: Record<string, string>
  readonly pins?: readonly Pin[]
  readonly ssh?: Partial<SshTrust>
  readonly tolerated?: readonly string[]
}

const pinOf = (line: string): Pin => {
  const { algorithm, fingerprint, publicKey } = readPublicKey(line)
  return { item: fingerprint, algorithm, fingerprint, publicKey }
}

function endpointFor(sshd: Sshd, change: Change = {}): Endpoint {
  const settings = SftpConnection.parse({ protocol: 'sftp', host: '127.0.0.1', port: sshd.port, username: sshd.username, auth: { method: 'key', privateKey: 'sealed' }, folder: sshd.folder, idleTimeoutSeconds: 5, ...change.settings })
  return {
    settings,
    folder: settings.folder,
    secrets: { privateKey: sshd.privateKey, ...change.secrets },
    pins: change.pins ?? [pinOf(sshd.hostKeys.ed25519)],
    ssh: { authorities: [], revoked: [], jump: [], ...change.ssh },
    tls: { pins: [], authorities: [], client: null },
    tolerated: change.tolerated ?? [],
  }
}

/** Signs in, uses the session, and answers what was negotiated. */
async function use(endpoint: Endpoint): Promise<Readonly<Record<string, string>>> {
  const session = await sftp.connect(endpoint, never)
  try {
    expect(await session.list()).toEqual([])
    return session.observed
  } finally {
    await session.close()
  }
}

describe.skipIf(peer.absent)(`ways into OpenSSH${peer.note}`, () => {
  const running: { stop(): Promise<void> }[] = []
  const start = async (options: Parameters<typeof startSshd>[0] = {}): Promise<Sshd> => {
    const sshd = await startSshd(options)
    running.push(sshd)
    return sshd
  }
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop()
  })

  describe('host certificates', () => {
    const trusting = (sshd: Sshd, change: Change = {}): Endpoint => endpointFor(sshd, { pins: [], ssh: { authorities: [pinOf(sshd.authority)] }, ...change })

    it.each<HostKeyKind>(['ed25519', 'ecdsa', 'rsa'])('proves a host by its authority, its own key being %s', async (kind) => {
      const sshd = await start({ show: [kind], certify: ['-n', 'sftp.acme.example,127.0.0.1'] })
      expect(await use(trusting(sshd))).toMatchObject({ hostCertificate: 'a test server', hostAuthority: pinOf(sshd.authority).fingerprint, hostKeyFingerprint: sshd.fingerprints[kind] })
    })

    it('keeps to it when keys are exchanged anew in the middle', async () => {
      const sshd = await start({ show: ['rsa'], certify: ['-n', '127.0.0.1'], config: ['RekeyLimit 1M'] })
      const session = await sftp.connect(trusting(sshd), never)
      const content = Buffer.alloc(8 * 1024 * 1024, 7)
      await session.write('large.bin', (async function* once() {
        yield await Promise.resolve(content)
      })(), { offset: 0, onAcknowledged: () => undefined, signal: never })
      expect(await session.stat('large.bin')).toMatchObject({ size: content.length })
      await session.close()
    })

    it.each([
      ['another host', ['-n', 'other.example'], 'it is for another host'],
      ['an expired one', ['-n', '127.0.0.1', '-V', '20200101:20200201'], 'it has expired'],
      ['one that is not valid yet', ['-n', '127.0.0.1', '-V', '20990101:20990201'], 'it is not valid yet'],
      ['one for anybody', [], 'it names no host'],
    ])('refuses the certificate of %s', async (_, certify, problem) => {
      const sshd = await start({ certify })
      await expect(sftp.connect(trusting(sshd), never)).rejects.toMatchObject({ code: 'sftp.host_certificate_refused', details: { problem } })
      expect((await sshd.finalLog())).not.toMatch(/Accepted|Postponed/)
    })

    it('refuses another authority, and what is revoked', async () => {
      const sshd = await start({ certify: ['-n', '127.0.0.1'] })
      const stranger = pinOf(sshd.hostKeys.rsa)
      await expect(sftp.connect(trusting(sshd, { ssh: { authorities: [stranger] } }), never)).rejects.toMatchObject({ code: 'sftp.host_certificate_refused' })
      const authorities = [pinOf(sshd.authority)]
      for (const revoked of [sshd.fingerprints.ed25519, pinOf(sshd.authority).fingerprint])
        await expect(sftp.connect(trusting(sshd, { ssh: { authorities, revoked: [revoked] } }), never)).rejects.toMatchObject({ code: 'sftp.host_key_revoked' })
      await expect(sftp.connect(endpointFor(sshd, { ssh: { revoked: [sshd.fingerprints.ed25519] } }), never)).rejects.toMatchObject({ code: 'sftp.host_key_revoked' })
    })

    it('accepts a pinned key also when a certificate of a stranger comes with it, and a server without certificate by its pin', async () => {
      const certified = await start({ certify: ['-n', 'other.example'] })
      await use(endpointFor(certified, { ssh: { authorities: [pinOf(certified.authority)] } }))
      const plain = await start()
      await use(endpointFor(plain, { ssh: { authorities: [pinOf(certified.authority)] } }))
      await expect(sftp.connect(endpointFor(plain, { pins: [], ssh: { authorities: [pinOf(certified.authority)] } }), never)).rejects.toMatchObject({ code: 'sftp.host_key_unknown' })
    })

    it('shows the certificate in the connection test', async () => {
      const sshd = await start({ certify: ['-n', 'other.example', '-z', '77'] })
      const result = await sftp.test(trusting(sshd), () => undefined, never)
      expect(result.hostKey).toMatchObject({ verdict: 'certificate-refused', certificate: { keyId: 'a test server', serial: '77', names: ['other.example'], problem: 'it is for another host' } })
      expect(result.stages.find(({ name }) => name === 'host-key')?.status).toBe('refused')
    })
  })

  describe('a jump host', () => {
    const through = (gate: Sshd, change: Change = {}) => ({ settings: { jump: { host: '127.0.0.1', port: gate.port, username: gate.username, auth: { method: 'key', privateKey: 'sealed' } }, ...change.settings }, secrets: { jumpPrivateKey: gate.privateKey, ...change.secrets } })

    it('leads to the server; each proves itself with its own key', async () => {
      const [gate, sshd] = [await start(), await start()]
      const jump = [pinOf(gate.hostKeys.ed25519)]
      expect(await use(endpointFor(sshd, { ...through(gate), ssh: { jump } }))).toMatchObject({ hostKeyFingerprint: sshd.fingerprints.ed25519, jumpHostKeyFingerprint: gate.fingerprints.ed25519 })
      const crossed = endpointFor(sshd, { ...through(gate), pins: jump, ssh: { jump: [pinOf(sshd.hostKeys.ed25519)] } })
      await expect(sftp.connect(crossed, never)).rejects.toMatchObject({ code: 'sftp.host_key_changed', message: expect.stringContaining('jump host') as string })
      await expect(sftp.connect(endpointFor(sshd, { ...through(gate), pins: jump, ssh: { jump } }), never)).rejects.toMatchObject({ code: 'sftp.host_key_changed', message: expect.stringContaining('the server presented') as string })
      await expect(sftp.connect(endpointFor(sshd, through(gate)), never)).rejects.toMatchObject({ code: 'sftp.host_key_unknown', details: { jumpHost: `127.0.0.1:${gate.port}` } })
    })

    it('that permits no forwarding, or does not reach the server, is named', async () => {
      const [closed, open, sshd] = [await start({ config: ['AllowTcpForwarding no'] }), await start(), await start()]
      await expect(sftp.connect(endpointFor(sshd, { ...through(closed), ssh: { jump: [pinOf(closed.hostKeys.ed25519)] } }), never)).rejects.toMatchObject({ code: 'sftp.jump_refused' })
      const port = await freePort()
      await expect(sftp.connect(endpointFor(sshd, { ...through(open, { settings: { port } }), ssh: { jump: [pinOf(open.hostKeys.ed25519)] } }), never)).rejects.toMatchObject({ code: 'sftp.jump_refused' })
    })

    it('that breaks off breaks the session, and the session leaves no connection behind', async () => {
      const [gate, sshd] = [await start(), await start()]
      const endpoint = endpointFor(sshd, { ...through(gate), ssh: { jump: [pinOf(gate.hostKeys.ed25519)] } })
      const session = await sftp.connect(endpoint, never)
      gate.killSessions()
      await expect(session.list()).rejects.toMatchObject({ code: 'net.connection_lost' })
      await use(endpoint)
      await expect.poll(() => gate.killSessions() + sshd.killSessions()).toBe(0)
    })
  })

  describe.each([
    ['http', startHttpProxy],
    ['socks5', startSocksProxy],
  ] as const)('a proxy of the kind %s', (kind, startProxy) => {
    const behind = (proxy: ProxyServer, more: Record<string, unknown> = {}) => ({ settings: { proxy: { kind, host: '127.0.0.1', port: proxy.port, ...more } } })

    it('carries the connection, also to a jump host, with its sign-in', async () => {
      const [gate, sshd] = [await start(), await start()]
      const proxy = await startProxy({ username: 'us', password: 'secret' })
      running.push(proxy)
      const signIn = { username: 'us', password: { sealed: true } }
      expect(await use(endpointFor(sshd, { ...behind(proxy, signIn), secrets: { proxyPassword: 'secret' } }))).toMatchObject({ proxy: `${kind} 127.0.0.1:${proxy.port}` })
      const jump = { host: '127.0.0.1', port: gate.port, username: gate.username, auth: { method: 'key', privateKey: 'sealed' } }
      await use(endpointFor(sshd, { settings: { ...behind(proxy, signIn).settings, jump }, secrets: { proxyPassword: 'secret', jumpPrivateKey: gate.privateKey }, ssh: { jump: [pinOf(gate.hostKeys.ed25519)] } }))
      expect(proxy.asked.filter((asked) => asked !== '')).toEqual([`127.0.0.1:${sshd.port}`, `127.0.0.1:${gate.port}`])
      await expect(sftp.connect(endpointFor(sshd, { ...behind(proxy, signIn), secrets: { proxyPassword: 'wrong' } }), never)).rejects.toMatchObject({ code: 'net.proxy_auth_refused' })
    })

    it('does not weaken the check of the host key', async () => {
      const sshd = await start()
      const proxy = await startProxy()
      running.push(proxy)
      await expect(sftp.connect(endpointFor(sshd, { ...behind(proxy), pins: [] }), never)).rejects.toMatchObject({ code: 'sftp.host_key_unknown' })
    })
  })

  describe('an SSH agent', () => {
    const agentPeer = findPeer('ssh-agent')
    let home: string
    let agent: { pid: number; socket: string }
    const before = process.env['SSH_AUTH_SOCK']
    beforeAll(() => {
      home = mkdtempSync(join(tmpdir(), 'waybill-agent-'))
      const told = execFileSync('ssh-agent', ['-s', '-a', join(home, 'socket')], { encoding: 'utf8' })
      agent = { pid: Number(/SSH_AGENT_PID=(\d+)/.exec(told)?.[1]), socket: join(home, 'socket') }
      process.env['SSH_AUTH_SOCK'] = agent.socket
    })
    afterAll(() => {
      if (before === undefined) delete process.env['SSH_AUTH_SOCK']
      else process.env['SSH_AUTH_SOCK'] = before
      process.kill(agent.pid)
      rmSync(home, { recursive: true, force: true })
    })
    const load = (name: string, text: string): void => {
      writeFileSync(join(home, name), text, { mode: 0o600 })
      execFileSync('ssh-add', ['-q', join(home, name)], { stdio: 'ignore' })
    }
    const auth = (key?: string) => ({ settings: { auth: { method: 'agent', ...(key === undefined ? {} : { key }) } }, secrets: { privateKey: '' } })

    it.skipIf(agentPeer.absent)('keeps the key; only the one that is named is offered', async () => {
      const sshd = await start({ config: ['MaxAuthTries 1'] })
      await expect(sftp.connect(endpointFor(sshd, auth()), never)).rejects.toMatchObject({ code: 'sftp.agent_key_missing' })
      for (const name of ['stranger-1', 'stranger-2']) {
        execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(home, name)])
        execFileSync('ssh-add', ['-q', join(home, name)], { stdio: 'ignore' })
      }
      load('account', sshd.privateKey)
      const ours = execFileSync('ssh-keygen', ['-lf', join(home, 'account')], { encoding: 'utf8' }).split(' ')[1] ?? ''
      expect(await use(endpointFor(sshd, auth(ours)))).toMatchObject({ authUsed: 'agent' })
      // With one try permitted, offering the strangers first costs the sign-in.
      await expect(sftp.connect(endpointFor(sshd, auth()), never)).rejects.toThrow()
      await expect(sftp.connect(endpointFor(sshd, auth(`SHA256:${'A'.repeat(43)}`)), never)).rejects.toMatchObject({ code: 'sftp.agent_key_missing' })
    })

    it.skipIf(agentPeer.absent)('that does not answer is named', async () => {
      const sshd = await start()
      process.env['SSH_AUTH_SOCK'] = join(home, 'nobody')
      await expect(sftp.connect(endpointFor(sshd, auth()), never)).rejects.toMatchObject({ code: 'sftp.agent_unavailable' })
      process.env['SSH_AUTH_SOCK'] = agent.socket
    })
  })

  describe.skipIf(process.getuid?.() !== 0)('passwords at OpenSSH (needs root, for a password that only this server knows)', () => {
    const password = 'corréct horse'

    it('a key and then the password, where the server asks for both', async () => {
      const sshd = await start({ password, config: ['AuthenticationMethods publickey,password'] })
      const both = { settings: { auth: { method: 'key', privateKey: 'sealed', password: { sealed: true } } } }
      expect(await use(endpointFor(sshd, { ...both, secrets: { password } }))).toMatchObject({ authUsed: 'publickey, password' })
      await expect(sftp.connect(endpointFor(sshd), never)).rejects.toMatchObject({ code: 'remote.auth_refused' })
      await expect(sftp.connect(endpointFor(sshd, { ...both, secrets: { password: 'wrong' } }), never)).rejects.toMatchObject({ code: 'remote.auth_refused' })
    })

    it('never sends the password when the key was not accepted', async () => {
      const sshd = await start({ password })
      const stranger = await start()
      const endpoint = endpointFor(sshd, { settings: { auth: { method: 'key', privateKey: 'sealed', password: { sealed: true } } }, secrets: { password, privateKey: stranger.privateKey } })
      await expect(sftp.connect(endpoint, never)).rejects.toMatchObject({ code: 'remote.auth_refused' })
      expect((await sshd.finalLog())).not.toMatch(/(Accepted|Failed) password/)
    })

    it('the password as the answer to keyboard-interactive, once and not again', async () => {
      const sshd = await start({ password, pam: true, config: ['KbdInteractiveAuthentication yes', 'PubkeyAuthentication no'] })
      const asked = { settings: { auth: { method: 'password', password: { sealed: true } } } }
      expect(await use(endpointFor(sshd, { ...asked, secrets: { password } }))).toMatchObject({ authUsed: 'keyboard-interactive' })
      await expect(sftp.connect(endpointFor(sshd, { ...asked, secrets: { password: 'wrong' } }), never)).rejects.toMatchObject({ code: 'remote.auth_refused' })
      expect((await sshd.finalLog()).match(/Failed keyboard-interactive/g)).toHaveLength(1)
    })

    it('a key and then keyboard-interactive', async () => {
      const sshd = await start({ password, pam: true, config: ['KbdInteractiveAuthentication yes', 'AuthenticationMethods publickey,keyboard-interactive'] })
      expect(await use(endpointFor(sshd, { settings: { auth: { method: 'key', privateKey: 'sealed', password: { sealed: true } } }, secrets: { password } }))).toMatchObject({ authUsed: 'publickey, keyboard-interactive' })
    })

    it('the password alone, sent once and not again', async () => {
      const sshd = await start({ password, config: ['PubkeyAuthentication no'] })
      const alone = { settings: { auth: { method: 'password', password: { sealed: true } } } }
      expect(await use(endpointFor(sshd, { ...alone, secrets: { password } }))).toMatchObject({ authUsed: 'password' })
      await expect(sftp.connect(endpointFor(sshd, { ...alone, secrets: { password: 'wrong' } }), never)).rejects.toMatchObject({ code: 'remote.auth_refused' })
      expect((await sshd.finalLog()).match(/Failed password/g)).toHaveLength(1)
    })
  })

  describe('old algorithms, by exception only', () => {
    const OLD: readonly (readonly [string, readonly string[], Parameters<typeof startSshd>[0], Record<string, unknown>])[] = [
      ['ssh-rsa', ['ssh-rsa'], { show: ['rsa'], config: ['HostKeyAlgorithms ssh-rsa'] }, { hostKeySignature: 'ssh-rsa' }],
      ['ssh-kex-sha1 (group 14)', ['ssh-kex-sha1'], { config: ['KexAlgorithms diffie-hellman-group14-sha1'] }, { kex: 'diffie-hellman-group14-sha1' }],
      ['ssh-kex-sha1 (group exchange)', ['ssh-kex-sha1'], { config: ['KexAlgorithms diffie-hellman-group-exchange-sha1'] }, { kex: 'diffie-hellman-group-exchange-sha1' }],
      ['ssh-cbc (256)', ['ssh-cbc'], { config: ['Ciphers aes256-cbc'] }, { cipher: 'aes256-cbc' }],
      ['ssh-cbc (128)', ['ssh-cbc'], { config: ['Ciphers aes128-cbc'] }, { cipher: 'aes128-cbc' }],
      ['ssh-hmac-sha1', ['ssh-hmac-sha1'], { config: ['Ciphers aes128-ctr', 'MACs hmac-sha1'] }, { mac: 'hmac-sha1' }],
    ]
    const ALL = ['ssh-rsa', 'ssh-dss', 'ssh-kex-sha1', 'ssh-cbc', 'ssh-hmac-sha1']

    it.each(OLD)('%s: refused without it, refused with every other one, used with it', async (_, allow, options, observed) => {
      const sshd = await start(options)
      const pins = [pinOf(sshd.hostKeys.rsa), pinOf(sshd.hostKeys.ed25519)]
      for (const tolerated of [[], ALL.filter((name) => !allow.includes(name))])
        await expect(sftp.connect(endpointFor(sshd, { pins, tolerated }), never)).rejects.toMatchObject({ code: 'sftp.algorithms_refused' })
      expect(await use(endpointFor(sshd, { pins, tolerated: allow }))).toMatchObject(observed)
    })

    it('an RSA key signs with SHA-2', async () => {
      await use(endpointFor(await start({ accountKind: ['-t', 'rsa', '-b', '2048'], config: ['PubkeyAcceptedAlgorithms rsa-sha2-256,rsa-sha2-512'] })))
    })

    it('with all of them, the modern ones are still taken', async () => {
      const sshd = await start({ config: ['KexAlgorithms +diffie-hellman-group14-sha1', 'Ciphers +aes256-cbc', 'MACs +hmac-sha1', 'HostKeyAlgorithms +ssh-rsa'] })
      expect(await use(endpointFor(sshd, { tolerated: ALL }))).toMatchObject({ kex: expect.stringMatching(/^curve25519/) as string, cipher: expect.stringMatching(/gcm/) as string, hostKeySignature: 'ssh-ed25519' })
    })
  })
})
