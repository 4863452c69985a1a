/** The ways out: SMTP under TLS, and signed HTTPS calls. Each answers with the server's own words or rejects with `notify.*`. */
import { request } from 'node:https'
import type { NotificationSettings, SentChannel } from '../../contract/notifications.ts'
import { AppError, systemCode } from '../kernel/errors.ts'
import { webhookHeaders } from './rules.ts'

export interface Message {
  readonly id: string
  readonly severity: 'info' | 'attention'
  readonly title: string
  readonly body: string
  /** Milliseconds. */
  readonly at: number
}

export type SendMessage = (channel: SentChannel, message: Message, settings: NotificationSettings, secrets: { readonly password: string | null; readonly secret: string | null }) => Promise<string>

/** How long a server may take to be reached, and to say nothing. */
export interface Patience {
  readonly connectMs: number
  readonly silenceMs: number
}

const PATIENCE: Patience = { connectMs: 15_000, silenceMs: 30_000 }
const MOST_ANSWER = 300

export function createSending(patience: Patience = PATIENCE): SendMessage {
  return async (channel, message, settings, secrets) => {
    if (channel === 'email') {
      if (settings.email === undefined) throw new AppError('notify.not_set_up', 'no e-mail server is set up')
      return await sendMail(message, settings.email, secrets.password, patience)
    }
    if (settings.webhook === undefined || secrets.secret === null) throw new AppError('notify.not_set_up', 'no webhook is set up')
    return await callWebhook(message, settings.webhook, secrets.secret, patience)
  }
}

async function sendMail(message: Message, settings: NonNullable<NotificationSettings['email']>, password: string | null, { connectMs, silenceMs }: Patience): Promise<string> {
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host: settings.host,
    port: settings.port,
    secure: settings.security === 'tls',
    // Never falls back to plain text: a password would be readable on the way.
    requireTLS: true,
    tls: { minVersion: 'TLSv1.2', ...(settings.authority === undefined ? {} : { ca: settings.authority }) },
    connectionTimeout: connectMs,
    greetingTimeout: connectMs,
    socketTimeout: silenceMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(settings.username === undefined ? {} : { auth: { user: settings.username, pass: password ?? '' } }),
  })
  try {
    const { response } = await transport.sendMail({
      from: { name: 'Waybill', address: settings.from },
      to: [...settings.to],
      subject: `Waybill: ${message.title}`,
      text: `${message.body}\n\n${new Date(message.at).toISOString()}\n`,
      messageId: `<${message.id}@waybill.invalid>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    return response
  } catch (error) {
    throw mailProblem(error, settings)
  } finally {
    transport.close()
  }
}

function mailProblem(error: unknown, { host, port }: { readonly host: string; readonly port: number }): AppError {
  const text = error instanceof Error ? error.message.slice(0, MOST_ANSWER) : 'unknown reason'
  const code = systemCode(error) ?? ''
  if (code === 'EAUTH' || code === 'EENVELOPE' || code === 'EMESSAGE' || code === 'ENOAUTH' || code === 'EOAUTH2') return new AppError('notify.refused', `${host}:${port}: ${text}`, { cause: error })
  if (code === 'ETLS' || isCertificateProblem(error)) return new AppError('notify.untrusted', `${host}:${port}: ${text}`, { cause: error })
  return new AppError('notify.unreachable', `${host}:${port}: ${text}`, { cause: error })
}

/** OpenSSL's and Node's names for what is wrong with a certificate. */
function isCertificateProblem(error: unknown): boolean {
  const codes = [systemCode(error), systemCode((error as { cause?: unknown }).cause)]
  const text = error instanceof Error ? error.message : ''
  return codes.some((code) => code !== undefined && /CERT|ALTNAME|SIGNED|ERR_TLS|ERR_SSL/.test(code)) || /certificate|altname/i.test(text)
}

async function callWebhook(message: Message, settings: NonNullable<NotificationSettings['webhook']>, secret: string, { silenceMs }: Patience): Promise<string> {
  const body = JSON.stringify({ type: `waybill.${message.severity}`, timestamp: new Date(message.at).toISOString(), data: { id: message.id, severity: message.severity, title: message.title, body: message.body } })
  const { host } = new URL(settings.url)
  return await new Promise<string>((resolve, reject) => {
    const call = request(
      settings.url,
      {
        method: 'POST',
        headers: { ...webhookHeaders(message.id, Date.now(), body, secret), 'content-length': Buffer.byteLength(body), 'user-agent': 'Waybill' },
        timeout: silenceMs,
        minVersion: 'TLSv1.2',
        ...(settings.authority === undefined ? {} : { ca: settings.authority }),
        agent: false,
      },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => {
          if (text.length < MOST_ANSWER) text += part.slice(0, MOST_ANSWER)
        })
        answer.on('error', (error) => reject(new AppError('notify.unreachable', `${host}: ${error.message}`, { cause: error })))
        answer.on('end', () => {
          const status = answer.statusCode ?? 0
          // A redirect is not followed: the secret was agreed with this address.
          if (status >= 200 && status < 300) resolve(`${status} ${answer.statusMessage ?? ''}`.trim())
          else reject(new AppError('notify.refused', `${host} answered ${status}: ${text.slice(0, MOST_ANSWER)}`))
        })
      },
    )
    call.on('timeout', () => call.destroy(new Error(`no answer for ${silenceMs / 1000} s`)))
    call.on('error', (error) => reject(new AppError(isCertificateProblem(error) ? 'notify.untrusted' : 'notify.unreachable', `${host}: ${error.message}`, { cause: error })))
    call.end(body)
  })
}
