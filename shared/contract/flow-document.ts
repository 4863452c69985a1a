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

const PLACEHOLDERS = '{name} {stem} {ext} {date} {time} {flow} {partner}; date and time are UTC, those of the run.'

/** What happens to a file on its way out, in order. OpenPGP is agreed at the connection; a flow may ask for more, never for less. */
export const OutboundStep = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('rename'),
      template: z.string().min(1).max(255).meta({ title: 'Name there', description: PLACEHOLDERS, examples: ['{stem}_{date}_{time}{ext}'] }),
    }),
    z.strictObject({
      kind: z.literal('zip'),
      files: z.enum(['each', 'together']).default('each').meta({ title: 'A ZIP file', words: { each: 'For each file', together: 'For all files of a run' } }),
      template: z.string().min(1).max(255).optional().meta({ title: 'Its name', description: `${PLACEHOLDERS} Left out: {name}.zip, for all files together {flow}_{date}_{time}.zip.`, examples: ['{stem}.zip'] }),
    }),
    z.strictObject({
      kind: z.literal('protect'),
      with: z.enum(['sign', 'encrypt', 'sign-and-encrypt']).default('sign-and-encrypt').meta({ title: 'At least', description: 'With the keys that are bound for the connection. What the connection asks beyond this is done as well.', words: { sign: 'Signed', encrypt: 'Encrypted', 'sign-and-encrypt': 'Signed and encrypted' } }),
    }),
  ])
  .meta({ title: 'Step', description: 'In order. What the connection protects with OpenPGP is protected without a step, too.' })

/** What happens to a received file before it is released, in order. */
export const InboundStep = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('open'),
      requireSignature: z.boolean().default(true).meta({ title: 'It must be signed', description: 'What is not signed and whole is kept, and you are told. A connection that asks for more is heard.' }),
    }),
    z.strictObject({
      kind: z.literal('unzip'),
      patterns: Patterns.min(1).default(['*.zip']).meta({ title: 'ZIP files are named like', description: 'Everything else is released as it is.' }),
      maxFiles: z.number().int().min(1).max(10_000).default(1000).meta({ title: 'Files in one at most', advanced: true, description: 'What holds more is kept, and you are told.' }),
      maxMiB: z.number().int().min(1).max(1_048_576).default(1024).meta({ title: 'Unpacked at most (MiB)', advanced: true }),
      maxRatio: z.number().int().min(2).max(10_000).default(200).meta({ title: 'Larger than packed at most (times)', advanced: true, description: 'Archives that are made to fill a disk grow by thousands.' }),
      maxDepth: z.number().int().min(0).max(32).default(8).meta({ title: 'Folders within folders at most', advanced: true, description: 'Files of all folders come into the Inbox side by side.' }),
    }),
  ])
  .meta({ title: 'Step', description: 'In order, before anything is released. What the connection opens with OpenPGP is opened without a step, too.' })

export type OutboundStep = z.infer<typeof OutboundStep>
export type InboundStep = z.infer<typeof InboundStep>
export type FlowStep = OutboundStep | InboundStep
export type ZipStep = Extract<OutboundStep, { kind: 'zip' }>
export type ProtectStep = Extract<OutboundStep, { kind: 'protect' }>
export type UnzipStep = Extract<InboundStep, { kind: 'unzip' }>

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
  keepDays: z.number().int().min(1).max(36_500).optional().meta({ title: 'Keep the content here for (days)', advanced: true, description: 'Of files that were delivered or given up; then it is deleted from this computer. Records and the audit trail stay. At least as long as agreed with the partners. Left out: for ever.' }),
  notify: z.enum(['trouble', 'always', 'never']).default('trouble').meta({ title: 'Tell about runs', advanced: true, description: 'Single deliveries are told by themselves.', words: { trouble: 'When one fails, and when it works again', always: 'Each that did something', never: 'Never' } }),
}

export const OutboundDocument = z
  .strictObject({
    direction: z.literal('outbound'),
    ...base,
    source: FlowSource,
    selection: Selection.prefault({}),
    steps: z.array(OutboundStep).max(10).default([]).meta({ title: 'Steps' }),
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
    steps: z.array(InboundStep).max(10).default([]).meta({ title: 'Steps', description: 'They hold for everything that is collected there, also by hand.' }),
  })
  .meta({ title: 'From partners' })

export const FlowDocument = z
  .discriminatedUnion('direction', [OutboundDocument, InboundDocument])
  .superRefine((document, context) => {
    if (new Set(document.targets).size < document.targets.length) context.addIssue({ code: 'custom', path: ['targets'], message: 'a target stands here twice' })
    if (document.trigger.kind === 'after' && document.trigger.flow === document.id) context.addIssue({ code: 'custom', path: ['trigger', 'flow'], message: 'a flow cannot run after itself' })
    const steps: readonly FlowStep[] = document.steps
    const at = (kind: FlowStep['kind']): readonly number[] => steps.flatMap((step, index) => (step.kind === kind ? [index] : []))
    for (const kind of ['zip', 'protect', 'open', 'unzip'] as const) if (at(kind)[1] !== undefined) context.addIssue({ code: 'custom', path: ['steps', at(kind)[1] ?? 0], message: 'one such step is enough' })
    if ((at('zip')[0] ?? -1) > (at('protect')[0] ?? Infinity)) context.addIssue({ code: 'custom', path: ['steps', at('zip')[0] ?? 0], message: 'files are packed before they are protected: move this step up' })
    if ((at('open')[0] ?? -1) > (at('unzip')[0] ?? Infinity)) context.addIssue({ code: 'custom', path: ['steps', at('open')[0] ?? 0], message: 'files are opened before they are unpacked: move this step up' })
    if (document.direction === 'inbound' && document.trigger.kind === 'watch') context.addIssue({ code: 'custom', path: ['trigger', 'kind'], message: 'a partner\'s folder cannot be watched; collect it at times' })
  })
  .meta({ title: 'Waybill flow', description: 'A reusable, named way that files travel.' })
export type FlowDocument = z.infer<typeof FlowDocument>
export type OutboundFlow = Extract<FlowDocument, { direction: 'outbound' }>
