//! This program as a plugin, and a plugin that a subject calls.

use std::time::Duration;

use rapace::{Plugin, PluginSpec};
use rapace_measure::{Setting, Watched, machine};

use super::parts::PLUGIN;
use crate::mirror::{self, MirrorProxy};

/// A plugin of the subject's, and where its processor time is read.
pub(crate) struct Stage {
    pub(crate) plugin: Plugin,
    pub(crate) proxy: MirrorProxy,
    pub(crate) watched: Watched,
}

impl Stage {
    pub(crate) async fn set_up(setting: Setting) -> Result<Self, String> {
        Self::of(spec(setting)?).await
    }

    pub(crate) async fn of(spec: PluginSpec) -> Result<Self, String> {
        let plugin = spec.start().await;
        let plugin = plugin.map_err(|down| down.to_string())?;
        let pid = plugin.pid().ok_or("a plugin that is ready has a process")?;
        Ok(Self {
            proxy: plugin.proxy(),
            watched: Watched::Partners(vec![pid]),
            plugin,
        })
    }
}

/// This program as a plugin.
pub(crate) fn spec(setting: Setting) -> Result<PluginSpec, String> {
    let (name, usable) = machine::usable_for_children().map_err(|why| why.to_string())?;
    let mut arguments = vec![PLUGIN.to_owned()];
    arguments.extend(setting.arguments());
    let spin = Duration::from_micros(setting.spin.into());
    Ok(mirror::spec(&arguments)?.env(name, usable).spin(spin))
}
