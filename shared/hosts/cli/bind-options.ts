/**
 * `--partner P --connection C --role R`, several times: roles belong to the partners named just before them, so that one command can
 * bind an item to several partners in different roles. Roles without a partner are our station's.
 */
import type { Command } from 'commander'
import { Role } from '../../contract/trust-words.ts'
import { AppError } from '../../core/kernel/errors.ts'
import { splitTarget } from './register.ts'

export interface Target {
  readonly partner?: string
  readonly connection?: string
  readonly role: Role
}

type Said = { readonly option: 'partner' | 'connection' | 'role'; readonly text: string }

/** Adds the options to a command; the function answers what they said, in order, or rejects with `input.invalid`. */
export function bindOptions(command: Command): () => Target[] {
  const said: Said[] = []
  // Only noted here: what is wrong with it is told where the command's other errors are.
  const note =
    (option: Said['option']) =>
    (text: string): string => {
      said.push({ option, text })
      return text
    }
  command
    .option('--partner <target...>', 'PARTNER or PARTNER/CONNECTION; left out: our station', note('partner'))
    .option('--connection <id>', 'only this connection of the partner', note('connection'))
    .option('--role <role...>', 'what it does there: sign, verify, encrypt, decrypt, tls-client, tls-server, tls-caller, ssh-host, ssh-client, pgp-…', note('role'))
  return () => targetsOf(said)
}

interface Group {
  readonly partners: { partner: string; connection?: string }[]
  readonly roles: Role[]
}

function targetsOf(said: readonly Said[]): Target[] {
  const groups: Group[] = []
  let group: Group | undefined
  for (const { option, text } of said) {
    if (group === undefined || (option === 'partner' && group.partners.length > 0 && group.roles.length > 0)) {
      group = { partners: [], roles: [] }
      groups.push(group)
    }
    if (option === 'partner') group.partners.push(splitTarget(text))
    else if (option === 'role') group.roles.push(roleOf(text))
    else {
      const target = group.partners.at(-1)
      if (target === undefined) throw new AppError('input.invalid', '--connection follows the --partner that it belongs to')
      target.connection = text
    }
  }
  return groups.flatMap(({ partners, roles }) => {
    if (roles.length === 0) throw new AppError('input.invalid', `say with --role what it does for ${partners.map(({ partner }) => partner).join(', ')}`)
    return partners.length === 0 ? roles.map((role) => ({ role })) : partners.flatMap((target) => roles.map((role) => ({ ...target, role })))
  })
}

function roleOf(text: string): Role {
  const parsed = Role.safeParse(text)
  if (!parsed.success) throw new AppError('input.invalid', `--role ${text}: the roles are ${Role.options.join(', ')}`)
  return parsed.data
}
