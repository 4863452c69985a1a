/** Signing in: each secret is offered once and only when the server asks for its kind, so that no account gets locked. */
import { platform } from 'node:os'
import ssh2, { type AnyAuthMethod, type AuthenticationType, type BaseAgent, type KeyboardInteractiveAuthMethod, type ParsedKey } from 'ssh2'
import type { SignIn } from '../../../contract/connections/sftp.ts'
import { describeBlob } from '../../crypto/ssh/index.ts'
import { AppError } from '../../kernel/errors.ts'

/** What is known of an account. */
export interface Account {
  readonly username: string
  readonly auth: SignIn
  readonly password: string | undefined
  readonly privateKey: string | undefined
  /** A signature with SHA-1 is tolerated now. */
  readonly sha1: boolean
}

export interface SignInDialogue {
  /** For the library: which method comes next. */
  next(left: AuthenticationType[] | null, partial: boolean | null, done: (method: AnyAuthMethod | false) => void): void
  /** Why it was ended from our side, if it was. */
  refusal(): AppError | null
  /** The methods that were used, in order: `publickey, password`. */
  used(): string
  /** The key that signs in, `ssh-rsa 3072`; null where there is none, or only the agent knows which. */
  readonly key: string | null
}

const MOST_PROMPT = 200

/** Rejects with `remote.auth_refused` when something is not sealed and with `sftp.agent_*`. `end` ends the connection. */
export async function createSignIn(account: Account, end: () => void): Promise<SignInDialogue> {
  const { username, auth, password } = account
  const used: string[] = []
  let refusal: AppError | null = null
  const refuse = (reason: AppError): void => {
    refusal ??= reason
    end()
  }
  if (auth.method === 'password' && password === undefined) throw new AppError('remote.auth_refused', 'no password is sealed for this connection')
  const key = auth.method === 'key' ? keyOf(account, refuse) : null
  const agent = auth.method === 'agent' ? await agentOf(auth.key) : null

  let passwordSpent = false
  const takePassword = (): string => {
    passwordSpent = true
    return password ?? ''
  }

  const interactive: KeyboardInteractiveAuthMethod['prompt'] = (_name, instructions, _language, prompts, finish) => {
    const [only] = prompts
    if (prompts.length === 1 && only?.echo !== true && !passwordSpent) {
      finish([takePassword()])
      return
    }
    const question = [instructions, ...prompts.map(({ prompt }) => prompt)].join(' ').replaceAll(/[\p{Cc}\s]+/gu, ' ').trim().slice(0, MOST_PROMPT)
    // The password was asked for again: it was wrong. Anything else is a question for a person.
    refuse(passwordSpent && prompts.length === 1 && only?.echo !== true ? new AppError('remote.auth_refused', 'the server did not accept the password') : new AppError('sftp.prompt_unanswerable', `the server asks: ${question}`, { details: { question } }))
  }

  const withPassword = (left: readonly AuthenticationType[]): AnyAuthMethod | false => {
    if (password === undefined || passwordSpent) return false
    if (left.includes('password')) return { type: 'password', username, password: takePassword() }
    if (left.includes('keyboard-interactive')) return { type: 'keyboard-interactive', username, prompt: interactive }
    return false
  }

  const choose = (left: readonly AuthenticationType[] | null, partial: boolean): AnyAuthMethod | false => {
    // The server tells which methods it takes only when asked for none (RFC 4252 §5.2).
    if (left === null) return key !== null ? { type: 'publickey', username, key: key as never } : agent !== null ? { type: 'agent', username, agent } : { type: 'none', username }
    if (auth.method === 'password' || partial) return withPassword(left)
    return false
  }

  return {
    next(left, partial, done) {
      const method = choose(left, partial === true)
      if (method !== false && method.type !== 'none') used.push(method.type)
      done(method)
    },
    refusal: () => refusal,
    used: () => used.join(', '),
    key: key === null ? null : describedKey(key.getPublicSSH()),
  }
}

function describedKey(blob: Buffer): string | null {
  try {
    const { algorithm, bits } = describeBlob(blob)
    return bits === null ? algorithm : `${algorithm} ${bits}`
  } catch {
    return null
  }
}

/** The library signs with SHA-1 for servers that say nothing better; that needs an exception. */
function keyOf({ privateKey, sha1 }: Account, refuse: (reason: AppError) => void): ParsedKey {
  if (privateKey === undefined) throw new AppError('remote.auth_refused', 'no private key is sealed for this connection')
  const parsed = ssh2.utils.parseKey(privateKey)
  const key = Array.isArray(parsed) ? parsed[0] : parsed
  if (key === undefined || key instanceof Error) throw new AppError('key.malformed', 'the sealed private key cannot be read')
  if (sha1 || key.type !== 'ssh-rsa') return key
  const sign = key.sign.bind(key)
  const refusing: ParsedKey['sign'] = (data: Buffer | string, hash?: string) => {
    if (hash !== undefined && hash !== 'sha1') return sign(data, hash)
    const reason = new AppError('sftp.algorithms_refused', 'the server takes RSA keys with SHA-1 signatures only; the exception ssh-rsa would permit them')
    refuse(reason)
    return reason as never
  }
  key.sign = refusing
  return key
}

async function agentOf(wanted: string | undefined): Promise<BaseAgent> {
  const address = process.env['SSH_AUTH_SOCK'] ?? (platform() === 'win32' ? 'pageant' : undefined)
  if (address === undefined || address === '') throw new AppError('sftp.agent_unavailable', 'SSH_AUTH_SOCK is not set')
  const agent = ssh2.createAgent(address)
  const keys = await new Promise<readonly (ParsedKey | Buffer | string | { pubKey: unknown })[]>((resolve, reject) => {
    agent.getIdentities((error, found) => {
      if (error) reject(new AppError('sftp.agent_unavailable', `${address}: ${error.message}`, { cause: error }))
      else resolve((found ?? []) as readonly ParsedKey[])
    })
  })
  if (keys.length === 0) throw new AppError('sftp.agent_key_missing', 'the agent has no key loaded')
  if (wanted === undefined) return agent
  const fingerprint = wanted.replace(/=+$/, '')
  const chosen = keys.filter((candidate) => fingerprintOfKey(candidate) === fingerprint)
  if (chosen.length === 0) throw new AppError('sftp.agent_key_missing', `the agent does not have ${fingerprint}`, { details: { wanted: fingerprint } })
  // Servers count every key that they do not know as a failed sign-in.
  agent.getIdentities = (done) => done(null, chosen as never)
  return agent
}

function fingerprintOfKey(candidate: unknown): string {
  const blob: unknown = typeof candidate === 'object' && candidate !== null && 'getPublicSSH' in candidate ? (candidate as ParsedKey).getPublicSSH() : candidate
  try {
    return Buffer.isBuffer(blob) ? describeBlob(blob).fingerprint : ''
  } catch {
    return ''
  }
}
