import { ArrowUp, Plus, Trash2 } from 'lucide-react'
import { Button, IconButton } from '../../../ui/button.tsx'
import type { Problems } from '../../partners/draft.ts'
import { SchemaFields } from '../../partners/form/schema-fields.tsx'
import { fieldsOfStep, newStep, STEP_FIELDS, type StepDraft } from './flow-draft.ts'
import ui from '../../../ui/ui.module.css'

/** What happens to each file on its way, in order. */
export function StepsEditor({ steps, problems, onChange }: { readonly steps: readonly StepDraft[]; readonly problems: Problems; readonly onChange: (steps: readonly StepDraft[]) => void }) {
  const titleOf = (kind: StepDraft['kind']): string => STEP_FIELDS.find(([name]) => name === kind)?.[1] ?? kind
  const up = (index: number): void => onChange(steps.map((step, at) => (at === index - 1 ? (steps[index] ?? step) : at === index ? (steps[index - 1] ?? step) : step)))
  return (
    <div className={ui['stack']}>
      {steps.length === 0 ? <p className="quiet">Files travel under their own names.</p> : null}
      {steps.map((step, index) => (
        <fieldset key={step.key} className={ui['fieldset']}>
          <legend className={ui['label']}>
            {index + 1}. {titleOf(step.kind)}
          </legend>
          <div className={ui['stack']}>
            <SchemaFields fields={fieldsOfStep(step.kind)} values={step.values} path={`steps[${index}]`} problems={problems} onChange={(values) => onChange(steps.map((other) => (other.key === step.key ? { ...other, values } : other)))} />
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
      <div className={ui['row']}>
        {STEP_FIELDS.map(([kind, title]) => (
          <Button key={kind} compact icon={<Plus size={14} aria-hidden />} onClick={() => onChange([...steps, newStep(kind)])}>
            {title}
          </Button>
        ))}
      </div>
    </div>
  )
}
