/** Dialogues that OpenSSH does not lead: held against the server side of the SSH library, which is no independent peer. */
import { generateKeyPairSync } from 'node:crypto'
import ssh2, { type Connection, type ServerConfig } from 'ssh2'
import { afterEach, describe, expect, it } from 'vitest'
import { generateSshKey, readPrivateKey, readPublicKey } from '../../crypto/ssh/index.ts'
import type { SignIn } from '../../../contract/connections/sftp.ts'
import { openSsh } from './ssh.ts'

const hostKey = generateSshKey('ed25519', 'host')
const never = new AbortController().signal
let server: InstanceType<typeof ssh2.Server> | undefined
afterEach(() => void server?.close())

async function serve(connected: (connection: Connection) => void, config: Partial<ServerConfig> = {}): Promise<number> {
  const created = new ssh2.Server({ hostKeys: [hostKey.privateKey], ...config }, (connection) => {
    connection.on('error', () => undefined)
    connected(connection)
  })
  server = created
  await new Promise<void>((resolve) => created.listen(0, '127.0.0.1', resolve))
  return (created.address() as { port: number }).port
}

async function signIn(port: number, auth: SignIn, secrets: { password?: string; privateKey?: string }, tolerated: readonly string[] = []): Promise<string | undefined> {
  const { algorithm, fingerprint, publicKey } = readPublicKey(hostKey.publicKey)
  const { ssh, observed } = await openSsh(
    {
      who: 'the server',
      host: '127.0.0.1',
      port,
      account: { username: 'us', auth, password: secrets.password, privateKey: secrets.privateKey },
      trust: { host: '127.0.0.1', pins: [{ item: 'x', algorithm, fingerprint, publicKey }], authorities: [], revoked: [] },
      tolerated,
      connectTimeoutMs: 5_000,
      idleTimeoutMs: 5_000,
    },
    {},
    never,
  )
  ssh.end()
  return observed['authUsed']
}

const password: SignIn = { method: 'password', password: { sealed: true } }

describe('keyboard-interactive', () => {
  const asking = (...rounds: { prompt: string; echo: boolean }[][]) => {
    const heard: string[][] = []
    const connected = (connection: Connection): void => {
      connection.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') {
          context.reject(['keyboard-interactive'])
          return
        }
        const ask = ([round, ...later]: typeof rounds): void => {
          if (round === undefined) context.accept()
          else
            context.prompt(round, 'Acme', 'Authorised use only', (answers: string[]) => {
              heard.push(answers)
              ask(later)
            })
        }
        ask(rounds)
      })
    }
    return { heard, connected }
  }

  it('answers the one question whose answer is hidden with the password', async () => {
    const { heard, connected } = asking([{ prompt: 'Kennwort für us: ', echo: false }])
    expect(await signIn(await serve(connected), password, { password: 'secret' })).toBe('keyboard-interactive')
    expect(heard).toEqual([['secret']])
  })

  it('goes on where the server has nothing more to ask', async () => {
    const { heard, connected } = asking([{ prompt: 'Password: ', echo: false }], [])
    await signIn(await serve(connected), password, { password: 'secret' })
    expect(heard).toEqual([['secret'], []])
  })

  it.each([
    ['a code besides the password', [{ prompt: 'Password: ', echo: false }, { prompt: 'Code:', echo: false }]],
    ['something that would be shown', [{ prompt: 'Your mother\u0007s name? ', echo: true }]],
  ])('does not answer %s, and quotes the question', async (_, round) => {
    const { heard, connected } = asking(round)
    await expect(signIn(await serve(connected), password, { password: 'secret' })).rejects.toMatchObject({
      code: 'sftp.prompt_unanswerable',
      message: expect.stringMatching(/^the server asks: Authorised use only [\p{L}\p{P}\p{Zs}?]+$/u) as string,
    })
    expect(heard).toEqual([])
  })

  it('gives the password once: a second question for it is a refusal', async () => {
    const { heard, connected } = asking([{ prompt: 'Password: ', echo: false }], [{ prompt: 'Password: ', echo: false }])
    await expect(signIn(await serve(connected), password, { password: 'wrong' })).rejects.toMatchObject({ code: 'remote.auth_refused' })
    expect(heard).toEqual([['wrong']])
  })
})

describe('what is offered', () => {
  it('no password to a server that does not ask for one', async () => {
    const tried: string[] = []
    const port = await serve((connection) => {
      connection.on('authentication', (context) => {
        tried.push(context.method)
        context.reject(['publickey'])
      })
    })
    await expect(signIn(port, password, { password: 'secret' })).rejects.toMatchObject({ code: 'remote.auth_refused' })
    expect(tried).toEqual(['none'])
  })

  it('no signature with SHA-1 to a server that knows nothing better, unless the exception permits it', async () => {
    const { privateKey } = readPrivateKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    const signed: string[] = []
    const port = await serve((connection) => {
      // Servers from before RFC 8308 do not tell which signatures they take.
      let exchange: object | undefined
      Object.defineProperty(Reflect.get(connection, '_protocol'), '_kex', {
        get: () => exchange,
        set(next: object) {
          exchange = Object.defineProperty(next, 'remoteExtInfoEnabled', { get: () => false, set() {} })
        },
      })
      connection.on('authentication', (context) => {
        if (context.method !== 'publickey') return context.reject(['publickey'])
        if (context.signature !== undefined) signed.push(context.key.algo)
        return context.accept()
      })
    })
    await expect(signIn(port, { method: 'key', item: 'x' }, { privateKey })).rejects.toMatchObject({ code: 'sftp.algorithms_refused' })
    expect(signed).toEqual([])
    await signIn(port, { method: 'key', item: 'x' }, { privateKey }, ['ssh-rsa'])
    expect(signed).toEqual(['ssh-rsa'])
  })
})
