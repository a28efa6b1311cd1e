//! A plugin whose link has no slot for a payload, so that it travels in fragments, both ways.

use rapace::{Blob, BlobMut, SegmentConfig, SizeClass};
use rapace_measure::Setting;

use super::stage::{Stage, spec};

/// A plugin whose link has one slot of each size, and buffers that hold them.
pub(super) struct WithoutSlots {
    pub(super) stage: Stage,
    classes: Vec<SizeClass>,
    held: Option<Held>,
}

/// Buffers in every slot that a payload of this size could take.
struct Held {
    bytes: usize,
    _here: Vec<BlobMut>,
    _there: Vec<Blob>,
}

impl WithoutSlots {
    pub(super) async fn set_up(setting: Setting) -> Result<Self, String> {
        let default = SegmentConfig::default();
        let one = |class: &SizeClass| SizeClass { slots: 1, ..*class };
        let classes = default.classes.iter().map(one).collect::<Vec<_>>();
        let segment = default.with_classes(classes.clone());
        let stage = Stage::of(spec(setting)?.segment(segment)).await?;
        Ok(Self {
            stage,
            classes,
            held: None,
        })
    }

    /// Takes all slots that a payload of this size could take, on both sides.
    pub(super) async fn hold(&mut self, bytes: usize) -> Result<(), String> {
        if self.held.as_ref().is_some_and(|held| held.bytes == bytes) {
            return Ok(());
        }
        self.held = None;
        let sizes = self.classes.iter().map(|class| class.slot_size as usize);
        let (mut here, mut there) = (Vec::new(), Vec::new());
        // One size more: the encoding may make a payload a little longer than it says.
        for size in sizes.filter(|size| *size >= bytes).take(3) {
            let buffer = self.stage.proxy.allocate(size).await;
            here.push(buffer.map_err(|why| why.to_string())?);
            let buffer = self.stage.proxy.buffer(0, size as u64).send().await;
            there.push(buffer.map_err(|why| why.to_string())?);
        }
        self.held = Some(Held {
            bytes,
            _here: here,
            _there: there,
        });
        Ok(())
    }
}
