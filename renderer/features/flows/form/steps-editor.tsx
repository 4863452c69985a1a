import { ArrowUp, Plus, Trash2 } from 'lucide-react'
import { Button, IconButton } from '../../../ui/button.tsx'
import type { Problems } from '../../partners/draft.ts'
import { SchemaFields } from '../../partners/form/schema-fields.tsx'
import { AgreedProtection } from './agreed-protection.tsx'
import { newStep, specOfStep, STEPS, type Direction, type StepDraft } from './flow-draft.ts'
import ui from '../../../ui/ui.module.css'

const NONE = { outbound: 'Files travel as they are, under their own names.', inbound: 'Files are released as they come.' } as const

/** What happens to each file on its way, in order, with what the connections add to it. */
export function StepsEditor({ direction, targets, steps, problems, onChange }: { readonly direction: Direction; readonly targets: readonly string[]; readonly steps: readonly StepDraft[]; readonly problems: Problems; readonly onChange: (steps: readonly StepDraft[]) => void }) {
  const up = (index: number): void => onChange(steps.map((step, at) => (at === index - 1 ? (steps[index] ?? step) : at === index ? (steps[index - 1] ?? step) : step)))
  const agreed = <AgreedProtection direction={direction} targets={targets} number={direction === 'outbound' ? steps.length + 1 : null} />
  return (
    <div className={ui['stack']}>
      {direction === 'inbound' ? agreed : null}
      {steps.length === 0 ? <p className="quiet">{NONE[direction]}</p> : null}
      {steps.map((step, index) => (
        <fieldset key={step.key} className={ui['fieldset']}>
          <legend className={ui['label']}>
            {index + 1}. {specOfStep(step.kind)?.title ?? step.kind}
          </legend>
          <div className={ui['stack']}>
            <SchemaFields fields={specOfStep(step.kind)?.fields ?? []} values={step.values} path={`steps[${index}]`} problems={problems} onChange={(values) => onChange(steps.map((other) => (other.key === step.key ? { ...other, values } : other)))} />
            {problems.at(`steps[${index}]`) === undefined ? null : <p className={ui['problem']} role="alert">{problems.at(`steps[${index}]`)}</p>}
            <div className={ui['row']}>
              {index === 0 ? null : (
                <IconButton label={`Move step ${index + 1} up`} onClick={() => up(index)}>
                  <ArrowUp size={14} aria-hidden />
                </IconButton>
              )}
              <Button compact look="plain" icon={<Trash2 size={14} aria-hidden />} onClick={() => onChange(steps.filter(({ key }) => key !== step.key))}>
                Remove step
              </Button>
            </div>
          </div>
        </fieldset>
      ))}
      {direction === 'outbound' ? agreed : null}
      {problems.at('steps') === undefined ? null : <p className={ui['problem']} role="alert">{problems.at('steps')}</p>}
      <div className={ui['row']}>
        {STEPS[direction].filter(({ kind }) => kind === 'rename' || !steps.some((step) => step.kind === kind)).map((spec) => (
          <Button key={spec.kind} compact icon={<Plus size={14} aria-hidden />} onClick={() => onChange([...steps, newStep(spec)])}>
            {spec.title}
          </Button>
        ))}
      </div>
    </div>
  )
}
