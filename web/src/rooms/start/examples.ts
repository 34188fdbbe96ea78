import { Brain, FolderOpen, ListTree, Shapes, type LucideIcon } from 'lucide-react'

export interface Example {
  readonly name: string
  readonly source: string
  readonly description: string
  readonly needs: string
  readonly icon: LucideIcon
}

export const EXAMPLES: readonly Example[] = [
  {
    name: 'Everything',
    source: 'npm:@modelcontextprotocol/server-everything',
    description: 'Each feature of MCP once, to try things out.',
    needs: 'Needs nothing',
    icon: Shapes,
  },
  {
    name: 'Memory',
    source: 'npm:@modelcontextprotocol/server-memory',
    description: 'A graph of facts that a model can add to and look up.',
    needs: 'Needs nothing',
    icon: Brain,
  },
  {
    name: 'Filesystem',
    source: 'npm:@modelcontextprotocol/server-filesystem',
    description: 'Reads and writes files in a folder of its sandbox.',
    needs: 'Needs a folder as argument, such as /tmp',
    icon: FolderOpen,
  },
  {
    name: 'Sequential thinking',
    source: 'npm:@modelcontextprotocol/server-sequential-thinking',
    description: 'Lets a model think in steps and revise them.',
    needs: 'Needs nothing',
    icon: ListTree,
  },
]
