//! What the settings of all layers come to.

use guardrail_schema::Risk;

use crate::evaluation::Approval;
use crate::policy::facet::Patterns;
use crate::policy::model::{ApprovalFile, Audience, AudienceKind, Mode, PolicyFile};
use crate::policy::pattern::{Pattern, Reading};
use crate::policy::rule::approval;

/// The settings that hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) auto_approve_low_risk: Setting,
    pub(crate) auto_approve_workspace: Setting,
    pub(crate) require_dry_run: Setting,
    pub(crate) block_production: Setting,
    pub(crate) allow_critical: Setting,
    pub(crate) require_approval: Setting,
    pub(crate) production_namespaces: Patterns,
    /// What approvals of each risk need beside the rubric's own, by risk.
    pub(crate) approvals: [Option<Approval>; 4],
    pub(crate) channels: Vec<AudienceRule>,
    pub(crate) skills: Vec<AudienceRule>,
}

/// A setting that is on or off, and who said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) on: bool,
    /// The layer that said so; `None` for the default.
    pub(crate) layer: Option<usize>,
}

/// What holds in channels or for skills of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AudienceRule {
    pub(crate) name: Pattern,
    /// As in the file: `channels."slack:*"`.
    pub(crate) key: String,
    pub(crate) layer: usize,
    pub(crate) kind: AudienceKind,
    pub(crate) max_risk: Option<Risk>,
    pub(crate) tools: Option<Patterns>,
}

/// The on-off settings of a mode.
struct Preset {
    auto_approve_low_risk: bool,
    auto_approve_workspace: bool,
    require_dry_run: bool,
    block_production: bool,
    allow_critical: bool,
    require_approval: bool,
}

const fn preset(mode: Mode) -> Preset {
    match mode {
        Mode::Safe => Preset {
            auto_approve_low_risk: false,
            auto_approve_workspace: false,
            require_dry_run: true,
            block_production: true,
            allow_critical: false,
            require_approval: true,
        },
        Mode::Standard => Preset {
            auto_approve_low_risk: true,
            auto_approve_workspace: false,
            require_dry_run: false,
            block_production: false,
            allow_critical: false,
            require_approval: true,
        },
        Mode::Full => Preset {
            auto_approve_low_risk: true,
            auto_approve_workspace: true,
            require_dry_run: false,
            block_production: false,
            allow_critical: true,
            require_approval: false,
        },
    }
}

impl Settings {
    /// Those of the rubric.
    pub(crate) fn standard() -> Self {
        let Preset {
            auto_approve_low_risk,
            auto_approve_workspace,
            require_dry_run,
            block_production,
            allow_critical,
            require_approval,
        } = preset(Mode::Standard);
        let default = |on| Setting { on, layer: None };
        Self {
            auto_approve_low_risk: default(auto_approve_low_risk),
            auto_approve_workspace: default(auto_approve_workspace),
            require_dry_run: default(require_dry_run),
            block_production: default(block_production),
            allow_critical: default(allow_critical),
            require_approval: default(require_approval),
            production_namespaces: Patterns::default(),
            approvals: [None, None, None, None],
            channels: Vec::new(),
            skills: Vec::new(),
        }
    }

    /// Adds a layer below those that are there. It may always tighten; it may loosen what no
    /// layer above it has set, if it is trusted.
    pub(crate) fn add(&mut self, file: &PolicyFile, layer: usize, trusted: bool) {
        let mode = file.mode.map(preset);
        let set = |setting: &mut Setting, own: Option<bool>, of_mode: Option<bool>, loose: bool| {
            let Some(on) = own.or(of_mode) else { return };
            let loosens = on == loose && setting.on != on;
            if !loosens || (trusted && setting.layer.is_none()) {
                // Who repeats what an upper layer set does not take it over.
                let layer =
                    if setting.layer.is_some() && setting.on == on { setting.layer } else { Some(layer) };
                *setting = Setting { on, layer };
            }
        };
        let (execution, safety) = (&file.execution, &file.safety);
        let of = |read: fn(&Preset) -> bool| mode.as_ref().map(read);
        set(
            &mut self.auto_approve_low_risk,
            execution.auto_approve_low_risk,
            of(|m| m.auto_approve_low_risk),
            true,
        );
        set(
            &mut self.auto_approve_workspace,
            execution.auto_approve_workspace,
            of(|m| m.auto_approve_workspace),
            true,
        );
        set(&mut self.require_dry_run, execution.require_dry_run, of(|m| m.require_dry_run), false);
        set(&mut self.block_production, safety.block_production, of(|m| m.block_production), false);
        set(&mut self.allow_critical, safety.allow_critical, of(|m| m.allow_critical), true);
        set(&mut self.require_approval, safety.require_approval, of(|m| m.require_approval), false);
        if let Some(names) = &safety.production_namespaces {
            let patterns = Patterns::new(names.0.iter().map(String::as_str), Reading::Name);
            self.production_namespaces.any.extend(patterns.any);
        }
        let of_risks =
            [&file.approval.low, &file.approval.medium, &file.approval.high, &file.approval.critical];
        for (slot, added) in self.approvals.iter_mut().zip(of_risks) {
            let Some(added) = added.as_ref().map(|file: &ApprovalFile| approval(file)) else { continue };
            *slot = Some(match slot.take() {
                Some(there) => there.and(added),
                None => added,
            });
        }
        for (into, table, added) in
            [(&mut self.channels, "channels", &file.channels), (&mut self.skills, "skills", &file.skills)]
        {
            into.extend(added.iter().map(|(name, audience)| AudienceRule::new(table, name, audience, layer)));
        }
    }

    /// Whether the rubric alone holds.
    pub(crate) fn is_standard(&self) -> bool {
        let plain = Self::standard();
        let bare = |settings: &Self| {
            [
                settings.auto_approve_low_risk.on,
                settings.auto_approve_workspace.on,
                settings.require_dry_run.on,
                settings.block_production.on,
                settings.allow_critical.on,
                settings.require_approval.on,
            ]
        };
        bare(self) == bare(&plain)
            && self.approvals == plain.approvals
            && self.channels.is_empty()
            && self.skills.is_empty()
    }

    /// What the rubric's approval of a risk needs.
    pub(crate) fn approval(&self, risk: Risk) -> Approval {
        let own = match risk {
            Risk::Low => Approval::default(),
            Risk::Medium => Approval { rollback: true, ..Approval::default() },
            Risk::High => Approval {
                rollback: true,
                impact: true,
                dry_run: self.require_dry_run.on,
                ..Approval::default()
            },
            Risk::Critical => {
                Approval { approvers: 2, rollback: true, impact: true, dry_run: true, ..Approval::default() }
            }
        };
        match self.approvals.get(risk as usize).and_then(Option::as_ref) {
            Some(more) => own.and(more.clone()),
            None => own,
        }
    }
}

impl AudienceRule {
    fn new(table: &str, name: &str, audience: &Audience, layer: usize) -> Self {
        Self {
            name: Pattern::new(name, Reading::Name),
            key: format!("{table}.\"{name}\""),
            layer,
            kind: audience.kind.unwrap_or_default(),
            max_risk: audience.max_risk,
            tools: audience
                .tools
                .as_ref()
                .map(|tools| Patterns::new(tools.0.iter().map(String::as_str), Reading::Name)),
        }
    }
}
