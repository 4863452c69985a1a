/** The flow document: what `flow apply` reads and `flow show` prints, and the source of the published JSON Schema. */
import { z } from 'zod'
import { Slug } from './common.ts'
import { Schedule } from './schedules.ts'

const Folder = z.string().min(1).max(4096)
const Patterns = z.array(z.string().min(1).max(255)).max(50)

/** Where outbound files are found. */
export const FlowSource = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('folder'), folder: Folder.meta({ title: 'Folder', description: 'A full path on this computer.' }) }),
    z.strictObject({ kind: z.literal('inbox'), partner: Slug.meta({ title: 'Partner' }) }).meta({ title: 'Inbox of a partner', description: 'What was received from one partner travels on.' }),
  ])
  .meta({ title: 'Source' })

export const Selection = z
  .strictObject({
    patterns: Patterns.min(1).default(['*']).meta({ title: 'Files', description: 'Patterns with * and ?, upper and lower case alike.' }),
    except: Patterns.default([]).meta({ title: 'But not', advanced: true }),
    stableSeconds: z.number().int().min(0).max(3600).default(10).meta({ title: 'Unchanged for (s)', advanced: true, description: 'A file is complete when size and time stay the same this long.' }),
  })
  .meta({ title: 'Selection' })

export const FlowStep = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('rename'),
      template: z.string().min(1).max(255).meta({ title: 'Name there', description: '{name} {stem} {ext} {date} {time} {flow} {partner}; date and time are UTC, those of the run.', examples: ['{stem}_{date}_{time}{ext}'] }),
    }),
  ])
  .meta({ title: 'Step', description: 'OpenPGP is a setting of the connection.' })

export type FlowStep = z.infer<typeof FlowStep>

/** `acme` or `acme/sftp`. */
export const FlowTarget = z
  .string()
  .max(127)
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}(\/[a-z0-9][a-z0-9._-]{0,62})?$/, 'write PARTNER or PARTNER/CONNECTION')

export const Trigger = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('manual') }).meta({ title: 'By hand' }),
    z.strictObject({ kind: z.literal('schedule'), schedule: Schedule }).meta({ title: 'At times' }),
    z.strictObject({ kind: z.literal('watch') }).meta({ title: 'When a file appears' }),
    z
      .strictObject({ kind: z.literal('after'), flow: Slug.meta({ title: 'Flow' }), when: z.enum(['delivered', 'always']).default('delivered').meta({ title: 'When it ended' }) })
      .meta({ title: 'After another flow' }),
  ])
  .default({ kind: 'manual' })
  .meta({ title: 'Trigger' })

export const CatchUp = z
  .strictObject({
    missed: z.enum(['once', 'skip', 'ask']).default('once').meta({ title: 'Missed times', words: { once: 'One run makes up for them', skip: 'Skip them', ask: 'Ask me' } }),
    cutoffMinutes: z.number().int().min(1).max(44_640).default(720).meta({ title: 'Not later than (min)', description: 'A time missed by more than this is not made up for.' }),
  })
  .prefault({})
  .meta({ title: 'Catching up', advanced: true })

export const DuplicateRule = z
  .strictObject({
    key: z
      .enum(['name-content', 'content', 'name', 'name-size-time'])
      .default('name-content')
      .meta({ title: 'The same file is one with the same', description: 'With name, size and time, an identical file may come again each day.', words: { 'name-content': 'Name and content', content: 'Content', name: 'Name', 'name-size-time': 'Name, size and time' } }),
    windowDays: z.number().int().min(1).max(3650).optional().meta({ title: 'Within (days)', description: 'Left out: for ever.' }),
    emptyFiles: z.enum(['rule', 'send']).default('rule').meta({ title: 'Empty files', description: 'Some partners take an empty file for “nothing today”.', words: { rule: 'As any other file', send: 'Always go' } }),
  })
  .prefault({})
  .meta({ title: 'Duplicates', advanced: true })

export const FlowRetry = z
  .strictObject({
    windowMinutes: z.number().int().min(1).max(44_640).optional().meta({ title: 'Try for (min)', description: 'Left out: six tries within about an hour (AS2: 24 hours).' }),
  })
  .prefault({})
  .meta({ title: 'Retry', advanced: true })

const base = {
  $schema: z.string().optional(),
  id: Slug,
  name: z.string().min(1).max(200).meta({ title: 'Name', examples: ['Orders to Acme'] }),
  notes: z.string().max(5000).optional().meta({ title: 'Notes', advanced: true }),
  trigger: Trigger,
  catchUp: CatchUp,
  retry: FlowRetry,
  nothingFound: z.enum(['fine', 'attention']).default('fine').meta({ title: 'A run that finds nothing', advanced: true, words: { fine: 'is fine', attention: 'is told to somebody' } }),
  notify: z.enum(['trouble', 'always', 'never']).default('trouble').meta({ title: 'Tell about runs', advanced: true, description: 'Single deliveries are told by themselves.', words: { trouble: 'When one fails, and when it works again', always: 'Each that did something', never: 'Never' } }),
}

export const OutboundDocument = z
  .strictObject({
    direction: z.literal('outbound'),
    ...base,
    source: FlowSource,
    selection: Selection.prefault({}),
    steps: z.array(FlowStep).max(10).default([]).meta({ title: 'Steps' }),
    targets: z.array(FlowTarget).min(1).max(20).meta({ title: 'To' }),
    afterwards: z.enum(['move', 'keep', 'delete']).default('move').meta({ title: 'Afterwards', description: 'Only once the file is delivered to everybody.', words: { move: 'Move it to another folder', keep: 'Leave it where it is', delete: 'Delete it here' } }),
    moveTo: Folder.optional().meta({ title: 'Move to', description: 'Left out: the folder Sent inside the source.', when: { afterwards: ['move'] } }),
    keepSentDays: z.number().int().min(1).max(3650).optional().meta({ title: 'Keep moved files for (days)', description: 'Then they are deleted, if nobody changed them. Left out: for ever.', when: { afterwards: ['move'] }, advanced: true }),
    duplicates: DuplicateRule,
    limits: z
      .strictObject({ files: z.number().int().min(1).max(100_000).default(1000).meta({ title: 'Files a run', description: 'What is left waits for the next run.' }) })
      .prefault({})
      .meta({ title: 'Limits', advanced: true }),
  })
  .meta({ title: 'To partners' })

export const InboundDocument = z
  .strictObject({
    direction: z.literal('inbound'),
    ...base,
    targets: z.array(FlowTarget).min(1).max(20).meta({ title: 'From', description: 'What is collected, and what becomes of it there, is set at the connection.' }),
  })
  .meta({ title: 'From partners' })

export const FlowDocument = z
  .discriminatedUnion('direction', [OutboundDocument, InboundDocument])
  .superRefine((document, context) => {
    if (new Set(document.targets).size < document.targets.length) context.addIssue({ code: 'custom', path: ['targets'], message: 'a target stands here twice' })
    if (document.trigger.kind === 'after' && document.trigger.flow === document.id) context.addIssue({ code: 'custom', path: ['trigger', 'flow'], message: 'a flow cannot run after itself' })
    if (document.direction === 'inbound' && document.trigger.kind === 'watch') context.addIssue({ code: 'custom', path: ['trigger', 'kind'], message: 'a partner\'s folder cannot be watched; collect it at times' })
  })
  .meta({ title: 'Waybill flow', description: 'A reusable, named way that files travel.' })
export type FlowDocument = z.infer<typeof FlowDocument>
export type OutboundFlow = Extract<FlowDocument, { direction: 'outbound' }>
