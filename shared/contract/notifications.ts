/** How people hear of what happens: on the desktop, by e-mail, by webhook. */
import { z } from 'zod'
import { Limit, Nothing, Timestamp } from './common.ts'
import { Host, Port, SecretInput } from './connections/common.ts'
import { procedure, topic } from './define.ts'
import { Notification } from './deliveries.ts'
import { WireError } from './errors/index.ts'
import { TimeOfDay, Weekday, Zone } from './schedules.ts'

export const Channel = z.enum(['native', 'email', 'webhook'])
export type Channel = z.infer<typeof Channel>
export const SentChannel = z.enum(['email', 'webhook'])
export type SentChannel = z.infer<typeof SentChannel>

const Authority = z
  .string()
  .max(100_000)
  .regex(/^-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*$/, 'write certificates in PEM')
  .optional()
  .meta({ title: 'Own authority', description: 'PEM of the authority that vouches for the server, where it is none that the system knows.' })

const Email = z
  .strictObject({
    host: Host.meta({ title: 'Server' }),
    port: Port.default(587).meta({ title: 'Port' }),
    security: z.enum(['starttls', 'tls']).default('starttls').meta({ title: 'Encryption', description: 'Never without.', words: { starttls: 'STARTTLS (port 587)', tls: 'TLS at once (port 465)' } }),
    username: z.string().min(1).max(200).optional().meta({ title: 'User name' }),
    password: SecretInput.optional().meta({ title: 'Password', secret: true }),
    from: z.email().meta({ title: 'From' }),
    to: z.array(z.email()).min(1).max(20).meta({ title: 'To' }),
    authority: Authority,
  })
  .meta({ title: 'E-mail', ask: 'Send e-mail' })

const Webhook = z
  .strictObject({
    url: z
      .url()
      .max(2000)
      .refine((text) => /^https:\/\//i.test(text), 'write an address that begins with https://')
      .meta({ title: 'Address' }),
    secret: SecretInput.meta({ title: 'Secret', secret: true, description: 'Signs each call (Standard Webhooks, HMAC-SHA256), so that the receiver knows that it comes from here. At least 16 characters.' }),
    authority: Authority,
  })
  .meta({ title: 'Webhook', ask: 'Call a webhook' })

export const NotificationSettings = z
  .strictObject({
    email: Email.optional(),
    webhook: Webhook.optional(),
    attention: z.array(Channel).max(3).default(['native', 'email', 'webhook']).meta({ title: 'What needs a look' }),
    info: z.array(Channel).max(3).default(['native']).meta({ title: 'Good news', description: 'Recovery is always told where the trouble was told.' }),
    foldMinutes: z.number().int().min(0).max(1440).default(60).meta({ title: 'Fold repeats for (min)', description: 'The same message is told once, and its repeats as one number afterwards.' }),
    quiet: z
      .strictObject({ from: TimeOfDay.meta({ title: 'From', examples: ['20:00'] }), until: TimeOfDay.meta({ title: 'Until', examples: ['07:00'] }), zone: Zone, days: z.array(Weekday).min(1).max(7).optional() })
      .optional()
      .meta({ title: 'Quiet hours', ask: 'Have quiet hours', description: 'E-mail and webhook wait until they end; the desktop stays silent and says one number then.' }),
    heartbeat: z
      .strictObject({ at: TimeOfDay.meta({ title: 'At', examples: ['08:00'] }), zone: Zone })
      .optional()
      .meta({ title: 'Daily sign of life', ask: 'Send one each day', description: 'A message each day by e-mail and webhook: its absence shows that a channel is dead.' }),
  })
  .meta({ title: 'Notifications' })
export type NotificationSettings = z.infer<typeof NotificationSettings>

/** A message on its way through one channel. */
export const OutboxEntry = z.object({
  id: z.string(),
  channel: SentChannel,
  severity: z.enum(['info', 'attention']),
  title: z.string(),
  body: z.string(),
  /** `folded`: told as part of another one. */
  state: z.enum(['waiting', 'sent', 'failed', 'folded']),
  tries: z.number().int(),
  createdAt: Timestamp,
  sentAt: Timestamp.nullable(),
  nextTryAt: Timestamp.nullable(),
  error: WireError.nullable(),
})
export type OutboxEntry = z.infer<typeof OutboxEntry>

export const notifications = {
  /** Secrets stand as `{ "sealed": true }`. */
  settings: procedure('read', Nothing, NotificationSettings),
  /** Replaces all settings; the same twice changes nothing. */
  apply: procedure('dangerous', z.object({ settings: z.unknown().optional() }), z.object({ settings: NotificationSettings, changed: z.boolean() })),
  /** Sends a message through a channel now, past the outbox and the quiet hours. */
  test: procedure('dangerous', z.object({ channel: Channel }), z.object({ ok: z.boolean(), answer: z.string(), error: WireError.nullable() })),
  /** Newest first. */
  outbox: procedure('read', z.object({ limit: Limit }), z.object({ entries: z.array(OutboxEntry) })),
  /** Everything that was raised, told or not; newest first. */
  notices: procedure('read', z.object({ limit: Limit }), z.object({ notices: z.array(Notification) })),
  schema: procedure('read', Nothing, z.object({ schema: z.record(z.string(), z.unknown()) }), { beforeOpen: true }),
  /** Something happened that people hear of. */
  raised: topic(Notification),
  /** The desktop shows it: chosen in the settings, and no repeat of a moment ago. */
  show: topic(Notification),
  changed: topic(z.object({ id: z.string() })),
} as const
