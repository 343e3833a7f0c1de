//! Plans for people: as text and as a Mermaid drawing.

use super::{
    Limit, LoopId, Node, NodeId, Operation, Plan, Port, Sorted, SortedOutput, TimeJoinNode,
    WatermarkNode, WindowNode,
};
use crate::dataflow::ReducePlan;
use crate::dataflow::window::{Emission, Windows};
use std::collections::BTreeSet;
use std::fmt;

/// A printable plan. Make it with [`Pipeline::explain`](crate::table::Pipeline::explain).
///
/// `Display` prints one line per node: its number, what it does, its name and source line, its
/// inputs, and which nodes run together in one stage.
#[derive(Clone, Debug)]
pub struct Explain {
    title: String,
    lines: Vec<Line>,
    scopes: Vec<(String, Option<usize>)>,
    /// What each loop is called, and the loop around it.
    loops: Vec<(String, Option<usize>)>,
}

#[derive(Clone, Debug)]
struct Line {
    id: NodeId,
    what: String,
    name: Option<String>,
    location: String,
    rows: String,
    inputs: Vec<Port>,
    notes: Vec<String>,
    scope: Option<usize>,
    in_loop: Option<usize>,
    ends_loop: bool,
    /// Its second output is that of late rows.
    has_late: bool,
    /// The node whose operator runs this one, if it has none of its own.
    fused_into: Option<NodeId>,
}

impl Explain {
    pub(crate) fn new(title: &str, plan: &Plan) -> Self {
        let needed = plan.needed_by(plan.sinks());
        let line = |node: &Node| Line {
            id: node.id,
            what: what(node),
            name: node.name.clone(),
            location: format!("{}:{}", node.location.file(), node.location.line()),
            rows: node.rows().name(),
            inputs: node.inputs.clone(),
            notes: notes(plan, node, needed[node.id.index()]),
            scope: node.scope.map(|scope| scope.0 as usize),
            in_loop: node.in_loop.map(LoopId::index),
            ends_loop: matches!(node.operation, Operation::Loop(_)),
            has_late: matches!(node.operation, Operation::Watermark(_)),
            fused_into: fused_into(plan, node),
        };
        let scopes = plan
            .scopes()
            .iter()
            .map(|scope| (scope.name.to_owned(), scope.parent.map(|parent| parent.0 as usize)))
            .collect();
        let loops = plan
            .loops()
            .iter()
            .map(|inner| (inner.describe(), inner.parent.map(LoopId::index)))
            .collect();
        let lines = plan.nodes().iter().map(line).collect();
        Self { title: title.to_owned(), lines, scopes, loops }
    }

    /// The plan as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        let mut out = String::from("flowchart TD\n");
        for (scope, (name, _)) in self.scopes.iter().enumerate() {
            let nodes = self.lines.iter().filter(|line| line.scope == Some(scope));
            let nodes = nodes.filter(|line| line.in_loop.is_none());
            out.push_str(&format!("  subgraph s{scope}[\"{}\"]\n", escape(name)));
            for line in nodes {
                out.push_str(&format!("    {}\n", line.mermaid()));
            }
            out.push_str("  end\n");
        }
        self.draw_loops(None, 1, &mut out);
        let outside = |line: &&Line| line.scope.is_none() && line.in_loop.is_none();
        for line in self.lines.iter().filter(outside) {
            out.push_str(&format!("  {}\n", line.mermaid()));
        }
        for line in &self.lines {
            for input in &line.inputs {
                let label = match self.output(input) {
                    Some(output) => format!("|{output}|"),
                    None => String::new(),
                };
                let arrow = if line.fused_into.is_some() { "-.->" } else { "-->" };
                out.push_str(&format!("  n{} {arrow}{label} n{}\n", input.node.0, line.id.0));
            }
        }
        out
    }
}

impl Explain {
    /// Draws the loops in a loop, each as a box around its nodes.
    fn draw_loops(&self, around: Option<usize>, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        for (at, (name, parent)) in self.loops.iter().enumerate() {
            if *parent != around {
                continue;
            }
            out.push_str(&format!("{indent}subgraph l{at}[\"{}\"]\n", escape(name)));
            self.draw_loops(Some(at), depth + 1, out);
            for line in self.lines.iter().filter(|line| line.in_loop == Some(at)) {
                out.push_str(&format!("{indent}  {}\n", line.mermaid()));
            }
            out.push_str(&format!("{indent}end\n"));
        }
    }

    /// What an output is called, where it is not the first.
    fn output(&self, port: &Port) -> Option<String> {
        let of_loop = self.lines[port.node.index()].ends_loop;
        match port.output {
            0 => None,
            output if of_loop => Some((output + 1).to_string()),
            WatermarkNode::PROGRESS => Some("watermark".to_owned()),
            _ if self.lines[port.node.index()].has_late => Some("late".to_owned()),
            _ => Some("errors".to_owned()),
        }
    }
}

impl Line {
    fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("{} `{name}`", self.what),
            None => self.what.clone(),
        }
    }

    fn mermaid(&self) -> String {
        format!("n{}[\"{}<br/>{}\"]", self.id.0, escape(&self.title()), escape(&self.rows))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "pipeline `{}`", self.title)?;
        for line in &self.lines {
            let inputs: Vec<String> = line
                .inputs
                .iter()
                .map(|input| match self.output(input) {
                    None => format!("#{}", input.node.0),
                    Some(output) => format!("#{} {output}", input.node.0),
                })
                .collect();
            let from = if inputs.is_empty() {
                String::new()
            } else {
                format!(" ← {}", inputs.join(", "))
            };
            write!(f, "  #{:<3} {}{from} → {}", line.id.0, line.title(), line.rows)?;
            for note in &line.notes {
                write!(f, " · {note}")?;
            }
            writeln!(f, "  ({})", line.location)?;
        }
        Ok(())
    }
}

fn what(node: &Node) -> String {
    match &node.operation {
        Operation::Source(source) => format!("read {}", source.reader.label()),
        Operation::Sink(sink) => format!("write {}", sink.label),
        Operation::Index(index) => match &index.key_column {
            Some(column) => format!("index by `{column}`"),
            None => "index by closure".to_owned(),
        },
        Operation::Reduce { plan, key_column, .. } => {
            let key = key_column.map_or("closure".to_owned(), |column| format!("`{column}`"));
            format!("{} {key}, {}", node.verb, reducers(plan))
        }
        Operation::DeltaJoin(join) => format!("join of {} tables", join.paths.len()),
        Operation::Sort(sorted) => what_sorted(sorted),
        Operation::Window(window) => what_window(window),
        Operation::TimeJoin(join) => format!("{} {}", node.verb, join.described),
        Operation::Watermark(watermark) => {
            format!(
                "watermark of {}",
                watermark.column.map_or("closure".to_owned(), |column| format!("`{column}`"))
            )
        }
        Operation::LeastWatermark => "least watermark".to_owned(),
        Operation::Total { plan, .. } => format!("{}, {}", node.verb, reducers(plan)),
        _ => node.verb.to_owned(),
    }
}

fn what_window(window: &WindowNode) -> String {
    let key = window.key_column.map_or_else(String::new, |column| {
        format!(" by {}", column.map_or("closure".to_owned(), |column| format!("`{column}`")))
    });
    format!("{}{key}, {}", window.windows, reducers(&window.plan))
}

fn what_sorted(sorted: &Sorted) -> String {
    let column = |name: Option<&str>| name.map_or("closure".to_owned(), |name| format!("`{name}`"));
    let output = match &sorted.output {
        SortedOutput::Limit { offset: 0, limit, .. } | SortedOutput::First { limit } => {
            format!("limit {limit}")
        }
        SortedOutput::Limit { offset, limit: u64::MAX, .. } => format!("offset {offset}"),
        SortedOutput::Limit { offset, limit, .. } => format!("limit {limit} offset {offset}"),
        SortedOutput::Over { plan, .. } => {
            let parts: Vec<String> = plan.parts.iter().map(ToString::to_string).collect();
            format!("over ({})", parts.join(", "))
        }
    };
    let sort = column(sorted.sort_column);
    match sorted.partition_column {
        Some(partition) => format!("{output} per {}, sorted by {sort}", column(partition)),
        None => format!("{output}, sorted by {sort}"),
    }
}

/// The root that runs a step: the nearest node in front of it with an operator of its own.
fn fused_into(plan: &Plan, node: &Node) -> Option<NodeId> {
    if !matches!(node.operation, Operation::Step(_)) {
        return None;
    }
    let mut at = node;
    while matches!(at.operation, Operation::Step(_)) {
        at = plan.node(at.inputs[0].node);
    }
    Some(at.id)
}

fn reducers(plan: &ReducePlan) -> String {
    match plan.folds().len() {
        1 => "1 reducer".to_owned(),
        count => format!("{count} reducers"),
    }
}

/// Whether the same rows can give other results if they are cut into epochs in another way.
fn depends_on_history(node: &Node) -> bool {
    match &node.operation {
        Operation::Join { kind, .. } => kind.as_of_now,
        Operation::Calls(calls) => calls.settings.detached,
        Operation::Window(window) => matches!(window.results.emission, Emission::Early(_)),
        Operation::TimeJoin(join) => matches!(join.plan.emission, Emission::Early(_)),
        // By event time, what is in time is all that counts.
        Operation::Machine { .. } | Operation::Validity { .. } => node.inputs.len() == 1,
        Operation::Stamp { .. }
        | Operation::Stateful { .. }
        | Operation::Changes { .. }
        | Operation::Watermark(_) => true,
        _ => false,
    }
}

fn time_join_notes(join: &TimeJoinNode) -> Vec<String> {
    let sides = [(join.plan.left_alone, "left"), (join.plan.right_alone, "right")];
    let alone = sides.iter().filter(|(kept, _)| *kept).map(|(_, side)| *side);
    let alone: Vec<&str> = alone.collect();
    let mut notes = Vec::new();
    if !alone.is_empty() {
        notes.push(format!("keeps the rows without a match on the {}", alone.join(" and the ")));
    }
    match join.plan.emission {
        Emission::EveryChange => {}
        Emission::WhenFinal => notes.push("each row once, when it is final".to_owned()),
        Emission::Early(_) => notes.push("at intervals, and when final".to_owned()),
    }
    match join.watermarks {
        [true, true] => {}
        [true, false] => {
            notes.push("no watermark on the right, so the rows of the left are kept".to_owned());
        }
        [false, true] => {
            notes.push("no watermark on the left, so the rows of the right are kept".to_owned());
        }
        [false, false] => notes.push("no watermarks, so all rows are kept".to_owned()),
    }
    notes
}

/// How often an index exists: outside of loops, and in each outermost loop that reads it.
fn copies(plan: &Plan, index: NodeId) -> usize {
    let readers = plan.nodes().iter().filter(|node| {
        let reads = |input: &Port| input.node == index;
        node.inputs.iter().any(reads)
    });
    readers.map(|node| plan.outermost(node.id)).collect::<BTreeSet<_>>().len()
}

fn notes(plan: &Plan, node: &Node, needed: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !needed {
        notes.push("unused, not run".to_owned());
    }
    if node.append_only && !matches!(node.operation, Operation::Sink(_)) {
        notes.push("append-only".to_owned());
    }
    if let Operation::Calls(calls) = &node.operation {
        notes.extend(calls.settings.notes());
    }
    if depends_on_history(node) {
        notes.push("depends on the history".to_owned());
    }
    if let Operation::Watermark(WatermarkNode { aligned: Some(aligned), .. }) = &node.operation {
        notes.push(format!("aligned within {}", aligned.described));
    }
    if let Operation::Window(window) = &node.operation {
        match window.results.emission {
            Emission::EveryChange => {}
            Emission::WhenFinal => notes.push("each window once, when it is final".to_owned()),
            Emission::Early(_) => notes.push("at intervals, and when final".to_owned()),
        }
        if window.results.forgets {
            notes.push("taken back when over".to_owned());
        }
        let [rows, other] = window.watermarks;
        match &window.windows {
            _ if rows.is_none() => {
                notes.push("no watermark, so no window is ever over: all are kept".to_owned());
            }
            Windows::Neighbours(neighbours) if neighbours.within.is_none() => notes.push(
                "no `within`, so the last session of a key waits for a row that is not of it"
                    .to_owned(),
            ),
            Windows::Around(around) if other.is_none() => notes.push(if around.append_only {
                "no watermark of the other table, so all rows are kept".to_owned()
            } else {
                "no watermark of the other table, so no interval is ever over: all are kept"
                    .to_owned()
            }),
            _ => {}
        }
    }
    if let Operation::TimeJoin(join) = &node.operation {
        notes.extend(time_join_notes(join));
    }
    if let Some(root) = fused_into(plan, node) {
        notes.push(format!("fused into #{}", root.0));
    }
    if matches!(node.operation, Operation::DeltaJoin(_)) {
        notes.push("keeps no intermediate rows".to_owned());
    }
    if let Operation::Index(index) = &node.operation {
        if index.intermediate {
            notes.push("keeps intermediate rows".to_owned());
        }
        let readers = plan
            .nodes()
            .iter()
            .flat_map(|other| &other.inputs)
            .filter(|input| input.node == node.id)
            .count();
        if readers > 1 {
            notes.push(format!("shared by {readers} joins"));
        }
        let copies = copies(plan, node.id);
        if copies > 1 {
            notes.push(format!("kept {copies} times, as a loop has one of its own"));
        }
    }
    if let Operation::Loop(id) = node.operation {
        notes.push(match plan.loops()[id.index()].limit {
            Limit::None => "until nothing changes".to_owned(),
            Limit::Last(rounds) => format!("at most {rounds} rounds"),
            Limit::Fail(rounds) => format!("settles within {rounds} rounds, or fails"),
        });
    }
    if let Some(id) = node.in_loop {
        let around = &plan.loops()[id.index()];
        notes.push(format!("in the loop of line {}", around.location.line()));
    }
    if let Some(scope) = node.scope {
        notes.push(format!("in `{}`", plan.scopes()[scope.index()].name));
    }
    notes
}
