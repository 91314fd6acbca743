//! Entities and what is published of them. Who owns them bounds their number, or who subscribes.

use std::collections::{BTreeMap, BTreeSet};

use super::PublishError;
use super::subscriptions::Name;
use crate::ids::{Epoch, Key, Version};
use crate::msg::replication::{COMPONENTS_MAX, Component, ComponentId};

/// All entities by key.
#[derive(Debug, Default)]
pub(super) struct Entities {
    by_key: BTreeMap<Key, Entity>,
}

/// What has changed in an entity, and for whom.
pub(super) struct Changes<'a> {
    pub(super) components: Vec<Component>,
    pub(super) subscribers: &'a BTreeSet<Name>,
}

#[derive(Debug)]
struct Entity {
    epoch: Epoch,
    /// At most `COMPONENTS_MAX`, each kind once. A list, because a map of one takes ten times the
    /// memory and there is an entity per player.
    components: Vec<Shown>,
    subscribers: BTreeSet<Name>,
    /// It waits to be told, so it must not be put in line again.
    is_queued: bool,
}

#[derive(Debug)]
struct Shown {
    /// The commit that made it.
    version: Version,
    component: Component,
    is_changed: bool,
}

impl Entities {
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.by_key.keys().copied()
    }

    pub(super) fn has_subscribers(&self, key: Key) -> bool {
        self.by_key.get(&key).is_some_and(|entity| !entity.subscribers.is_empty())
    }

    pub(super) fn epoch_of(&self, key: Key) -> Option<Epoch> {
        self.by_key.get(&key).map(|entity| entity.epoch)
    }

    pub(super) fn component(&self, key: Key, id: ComponentId) -> Option<&Component> {
        let mut shown = self.by_key.get(&key)?.components.iter();
        shown.find(|shown| shown.component.id == id).map(|shown| &shown.component)
    }

    /// The entity begins anew under a higher epoch. Returns its subscribers.
    pub(super) fn begin_epoch(&mut self, key: Key, epoch: Epoch) -> Vec<Name> {
        let Some(entity) = self.by_key.get_mut(&key) else { return Vec::new() };
        entity.epoch = epoch;
        entity.components.clear();
        entity.subscribers.iter().copied().collect()
    }

    /// Puts a component in. Returns whether the entity has to be put in line.
    pub(super) fn put(
        &mut self,
        key: Key,
        epoch: Epoch,
        version: Version,
        component: Component,
    ) -> Result<bool, PublishError> {
        let entity = self.by_key.entry(key).or_insert_with(|| Entity {
            epoch,
            components: Vec::new(),
            subscribers: BTreeSet::new(),
            is_queued: false,
        });
        if epoch < entity.epoch {
            return Ok(false);
        }
        let full = entity.components.len() >= COMPONENTS_MAX;
        let mut shown = entity.components.iter_mut();
        match shown.find(|shown| shown.component.id == component.id) {
            Some(shown) if version < shown.version => return Ok(false),
            Some(shown) => {
                shown.version = version;
                if shown.component == component {
                    return Ok(false);
                }
                shown.component = component;
                shown.is_changed = true;
            }
            None if full => return Err(PublishError::TooMany),
            None => entity.components.push(Shown { version, component, is_changed: true }),
        }
        Ok(!std::mem::replace(&mut entity.is_queued, true))
    }

    /// Forgets an entity. Returns its subscribers.
    pub(super) fn remove(&mut self, key: Key) -> BTreeSet<Name> {
        self.by_key.remove(&key).map(|entity| entity.subscribers).unwrap_or_default()
    }

    pub(super) fn add_subscriber(&mut self, key: Key, name: Name) {
        if let Some(entity) = self.by_key.get_mut(&key) {
            entity.subscribers.insert(name);
        }
    }

    pub(super) fn remove_subscriber(&mut self, key: Key, name: Name) {
        if let Some(entity) = self.by_key.get_mut(&key) {
            entity.subscribers.remove(&name);
        }
    }

    /// Takes what has changed since the last call, if anything has.
    pub(super) fn take_changes(&mut self, key: Key) -> Option<(Epoch, Changes<'_>)> {
        let entity = self.by_key.get_mut(&key)?;
        entity.is_queued = false;
        let mut components = Vec::new();
        for shown in entity.components.iter_mut().filter(|shown| shown.is_changed) {
            shown.is_changed = false;
            components.push(shown.component.clone());
        }
        if components.is_empty() {
            return None;
        }
        Some((entity.epoch, Changes { components, subscribers: &entity.subscribers }))
    }
}
